"""Who says a number: the report, or the metadata of the weights; and whether both agree."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.gates import Source
from sluice.domain.refusal import Reason
from sluice.domain.scores import refuse_disagreement, scores


@pytest.mark.parametrize(
    ("said", "value", "agrees"),
    [
        ("0.87", 0.87, True),
        ("0.87", 0.8712, True),
        ("0.87", 0.865, True),
        ("0.87", 0.875, True),
        ("0.87", 0.8751, False),
        ("0.87", 0.8649, False),
        ("0.870", 0.8712, False),
        ("0.8712", 0.87, False),
        ("1", 0.6, True),
        ("1.", 0.4, False),
        (".9", 0.94, True),
        ("9e-1", 0.94, True),
        ("+0.9", 0.9, True),
        ("-0.9", 0.9, False),
        ("1e3", 1400.0, True),
        (" 0.87 ", 0.8712, True),
    ],
)
def test_a_label_agrees_with_the_number_that_it_is_rounded_from(
    said: str, value: float, *, agrees: bool
) -> None:
    refusal = refuse_disagreement({"accuracy": value}, {"eval-accuracy": said})

    assert (refusal is None) is agrees


def test_a_disagreement_names_both_with_their_numbers() -> None:
    refusal = refuse_disagreement(
        {"accuracy": 0.71, "f1": 0.5}, {"eval-accuracy": "0.87", "eval-f1": "0.5"}
    )

    assert refusal
    assert refusal.reason is Reason.EVALUATIONS_DISAGREE
    assert refusal.detail == (
        "eval-accuracy of model.tar.gz says 0.87, accuracy of evaluation-results.json is 0.71"
    )


def test_names_are_compared_as_s3_spells_them() -> None:
    assert refuse_disagreement({"AUC": 0.9}, {"eval-auc": "0.1"})
    assert scores({"AUC": 0.9}, {"eval-auc": "0.9"}).metadata == {}


@pytest.mark.parametrize(
    "text",
    ["", "nan", "inf", "1e999", "87%", "0,87", "1_000", "0x1", "good", "٣", "1" * 41],
)
def test_what_is_no_number_is_a_label_and_neither_agrees_nor_counts(text: str) -> None:
    assert refuse_disagreement({"accuracy": 0.1}, {"eval-accuracy": text}) is None
    assert scores({}, {"eval-accuracy": text}).of("accuracy") is None


def test_the_report_comes_first_and_the_metadata_fills_what_it_lacks() -> None:
    found = scores({"accuracy": 0.8712}, {"eval-accuracy": "0.87", "eval-f1": "0.8", "f2": "0.1"})

    assert (found.of("accuracy"), found.source_of("accuracy")) == (0.8712, Source.REPORT)
    assert (found.of("f1"), found.source_of("f1")) == (0.8, Source.METADATA)
    assert (found.of("f2"), found.source_of("f2")) == (None, None)
    assert found.metadata == {"f1": 0.8}


@given(
    st.floats(min_value=-1e6, max_value=1e6),
    st.integers(min_value=0, max_value=6),
    st.sampled_from([ROUND_HALF_EVEN, ROUND_HALF_UP]),
)
def test_whatever_is_rounded_from_a_number_agrees_with_it(
    value: float, digits: int, rounding: str
) -> None:
    printed = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), rounding=rounding)

    assert refuse_disagreement({"a": value}, {"eval-a": f"{printed:f}"}) is None
    other = printed + 2 * Decimal(1).scaleb(-digits)
    assert refuse_disagreement({"a": value}, {"eval-a": f"{other:f}"})
