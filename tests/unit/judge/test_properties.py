"""What holds for every document: found by search, not by example."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.domain.judge import evaluate
from tests.unit.judge.documents import Doc, a_doc, a_minute

SEARCH = settings(max_examples=60, deadline=None)


@st.composite
def counts(draw: st.DrawFn) -> tuple[float, float]:
    """Requests and bad ones, whole or interpolated."""
    n = draw(st.integers(0, 20_000))
    bad = draw(st.one_of(st.integers(0, n), st.floats(0, n)))
    return n, bad


@st.composite
def minutes(draw: st.DrawFn) -> Doc:
    """A minute of the first step, known or not."""
    canary, stable = draw(counts()), draw(counts())
    unknown = draw(st.sampled_from(["", "", "", "n_c", "x_c", "n_s", "x_s"]))
    minute = a_minute(*canary, *stable)
    return {**minute, unknown: None} if unknown else minute


histories = st.lists(counts().map(list), max_size=12)
courses = st.lists(minutes(), min_size=1, max_size=12)


def told(answer: Doc) -> tuple[list[float], list[float]]:
    """The evidence's path."""
    return answer["log_e_rollback"], answer["log_e_promote"]


@SEARCH
@given(history=histories, course=courses, cut=st.integers(0, 12))
def test_minutes_added_at_the_end_leave_earlier_evidence_as_it_was(
    history: list[Any], course: list[Doc], cut: int
) -> None:
    whole = told(evaluate(a_doc(course, history=history)))
    part = told(evaluate(a_doc(course[:cut], history=history)))

    assert part == (whole[0][:cut], whole[1][:cut])


@SEARCH
@given(history=histories, course=courses)
def test_a_replay_gives_the_same_bytes(history: list[Any], course: list[Doc]) -> None:
    doc = a_doc(course, history=history)
    kept = json.dumps(doc)
    once = json.dumps(evaluate(doc), allow_nan=False)

    assert json.dumps(evaluate(json.loads(kept)), allow_nan=False) == once
    assert json.dumps(doc) == kept, "the document itself is not touched"


@SEARCH
@given(
    history=histories,
    course=st.lists(minutes(), max_size=2),
    alpha=st.floats(1e-6, 0.5),
    ratio=st.floats(1, 3),
)
def test_one_or_two_minutes_never_roll_back_whatever_they_say(
    history: list[Any], course: list[Doc], alpha: float, ratio: float
) -> None:
    config = {"alpha": alpha, "tolerate_ratio": ratio}

    assert evaluate(a_doc(course, history=history, config=config))["verdict"] != "rollback"


@SEARCH
@given(history=histories, bad=st.integers(2, 6), course=st.lists(minutes(), max_size=5))
def test_as_many_minutes_as_asked_for_are_needed(
    history: list[Any], bad: int, course: list[Doc]
) -> None:
    answer = evaluate(a_doc(course[: bad - 1], history=history, config={"min_bad_minutes": bad}))

    assert answer["verdict"] != "rollback"


@SEARCH
@given(course=courses)
def test_swapping_the_variants_never_rolls_back_both(course: list[Doc]) -> None:
    swapped = [
        {**one, "n_c": one["n_s"], "x_c": one["x_s"], "n_s": one["n_c"], "x_s": one["x_c"]}
        for one in course
    ]

    verdicts = {evaluate(a_doc(one))["verdict"] == "rollback" for one in (course, swapped)}

    assert verdicts != {True}


@SEARCH
@given(history=histories, course=courses, at=st.integers(0, 12))
@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(a_minute(None, None, None, None), id="nothing known"),
        pytest.param(a_minute(0, 0, 0, 0), id="no requests"),
        pytest.param(a_minute(0, None, 0, None), id="no requests, no errors metric"),
        pytest.param(a_minute(50, 3, None, None), id="stable not known"),
    ],
)
def test_a_minute_without_data_is_neutral(
    history: list[Any], course: list[Doc], at: int, silent: Doc
) -> None:
    at = min(at, len(course))
    without = told(evaluate(a_doc(course, history=history)))
    with_it = told(evaluate(a_doc([*course[:at], silent, *course[at:]], history=history)))

    for before, after in zip(without, with_it, strict=True):
        assert after[:at] + after[at + 1 :] == before
        assert after[at] == (before[at - 1] if at else 0.0)


@SEARCH
@given(history=histories, course=courses, count=st.integers(2, 5), data=st.data())
def test_metrics_that_say_the_same_say_no_more_than_one(
    history: list[Any], course: list[Doc], count: int, data: st.DataObject
) -> None:
    one = {"history": history, "minutes": course}
    weights = data.draw(st.lists(st.floats(0.1, 10), min_size=count, max_size=count))
    metrics = {str(i): {**one, "weight": weight} for i, weight in enumerate(weights)}

    alone, together = evaluate(one), evaluate({"metrics": metrics})

    assert together["log_e_rollback"] == pytest.approx(alone["log_e_rollback"], abs=1e-9)
    assert together["log_e_promote"] == alone["log_e_promote"]
    assert (together["verdict"], together["minute"]) == (alone["verdict"], alone["minute"])


@SEARCH
@given(course=courses, more=st.integers(0, 200))
def test_a_rollback_once_called_for_stays(course: list[Doc], more: int) -> None:
    bad = [a_minute(x_c=40)] * 5
    answer = evaluate(a_doc([*bad, *course, *[a_minute(500, 0, 9500, 90)] * more]))

    assert (answer["verdict"], answer["minute"]) == ("rollback", 3)


def test_evidence_that_outgrows_a_float_is_still_told() -> None:
    answer = evaluate(a_doc([a_minute(5000, 4000, 5000, 5)] * 900))

    assert answer["log_e_rollback"][-1] > 1500
    assert json.dumps(answer, allow_nan=False)


def test_evidence_comes_down_again_from_where_no_float_reaches() -> None:
    bad, good = a_minute(5000, 4000, 5000, 5), a_minute(5000, 5, 5000, 4000)
    path = evaluate(a_doc([bad] * 230 + [good] * 600))["log_e_rollback"]

    assert max(path) > 500
    assert path[-1] < 0
