"""A document that cannot be judged is refused with what to change."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.domain.judge import JudgeDocumentError, evaluate
from tests.unit.judge.documents import a_doc, a_minute


@pytest.mark.parametrize(
    ("doc", "told"),
    [
        pytest.param([], "the document must be an object", id="a list"),
        pytest.param({}, "minutes must be a list", id="empty"),
        pytest.param({"minuts": []}, "the document has no 'minuts'", id="a typo"),
        pytest.param({"metrics": {}}, "at least one metric", id="no metric"),
        pytest.param({"metrics": {"a": 1}}, "metrics.a must be an object", id="a number"),
        pytest.param(
            {"metrics": {"a": {"minutes": []}}, "minutes": []}, "has no 'minutes'", id="both shapes"
        ),
        pytest.param(
            {"metrics": {"a": {"minutes": []}, "b": {"minutes": [a_minute()]}}},
            "metrics.b.minutes and metrics.a.minutes differ",
            id="not the same minutes",
        ),
        pytest.param(a_doc([1]), r"minutes\[0\] must be an object", id="a minute is a number"),
        pytest.param(a_doc([a_minute(n_c=-1)]), r"minutes\[0\] \(canary\): n is -1", id="below 0"),
        pytest.param(a_doc([a_minute(x_s=-1)]), r"\(stable\): x is -1", id="bad below 0"),
        pytest.param(a_doc([a_minute(x_c=51)]), "51 bad of 50 requests", id="more bad than all"),
        pytest.param(a_doc([a_minute(x_c="3")]), "x is '3'", id="text"),
        pytest.param(a_doc([a_minute(n_s=True)]), "n is True", id="a truth"),
        pytest.param(a_doc([a_minute(n_c=float("nan"))]), "n is nan", id="not a number"),
        pytest.param(a_doc([a_minute(n_s=float("inf"))]), "n is inf", id="infinite"),
        pytest.param(a_doc([a_minute(step=-1)]), "step is -1", id="a step below 0"),
        pytest.param(a_doc([a_minute(step=1), a_minute()]), "step falls", id="back a step"),
        pytest.param(a_doc([a_minute(weight=5)]), "weight is 5: give the canary's share", id="5"),
        pytest.param(a_doc([a_minute()] * 10081), "more than a week", id="too long"),
        pytest.param(a_doc([], history=[[1]]), r"history\[0\] must be \[n, x\]", id="not a pair"),
        pytest.param(a_doc([], history=[[1, 2]]), r"history\[0\]: 2 bad of 1", id="a bad history"),
        pytest.param(a_doc([], history=7), "history must be a list", id="a history of 7"),
        pytest.param(a_doc([], kind="rate"), "kind is 'rate'", id="an unknown kind"),
        pytest.param(a_doc([], kind="slo"), "slo is None", id="no slo"),
        pytest.param(a_doc([], slo=0.1), "slo belongs to kind slo", id="an slo of a comparison"),
        pytest.param(a_doc([], weight=0), "weight is 0: give a number above 0", id="no weight"),
        pytest.param(a_doc([], tolerate_drop=-1), "tolerate_drop is -1", id="a drop below 0"),
        pytest.param(a_doc([], config={"alpa": 1}), "config has no 'alpa'", id="unknown setting"),
        pytest.param(a_doc([], config={"alpha": 0}), "config.alpha is 0", id="alpha"),
        pytest.param(a_doc([], config={"beta": 1}), "config.beta is 1", id="beta"),
        pytest.param(a_doc([], config={"tolerate_ratio": 0.9}), "tolerate_ratio", id="ratio"),
        pytest.param(a_doc([], config={"margin_abs": 1}), "margin_abs is 1", id="margin"),
        pytest.param(a_doc([], config={"min_bad_minutes": 0}), "min_bad_minutes", id="no minutes"),
        pytest.param(
            a_doc([], config={"min_bad_minutes": 1.5}), "whole number", id="half a minute"
        ),
        pytest.param(a_doc([], config={"alpha": "1%"}), "give a number", id="alpha in words"),
        pytest.param(a_doc([], config=[1]), "config must be an object", id="settings in a list"),
        pytest.param(a_doc([], policy={"min_bake": -1}), "policy.min_bake is -1", id="bake"),
        pytest.param(a_doc([], policy={"max_bake": 4}), "min_bake must not exceed", id="max < min"),
        pytest.param(a_doc([], policy={"blind_hold": 0}), "blind_hold is 0", id="never blind"),
    ],
)
def test_what_is_wrong_is_named(doc: Any, told: str) -> None:
    with pytest.raises(JudgeDocumentError, match=told):
        evaluate(doc)


def test_what_was_interpolated_may_be_fractional() -> None:
    whole = evaluate(a_doc([a_minute(50, 3, 950, 1)] * 6))
    fractional = evaluate(a_doc([a_minute(50, 3.2, 950, 0.9)] * 6))

    assert fractional["log_e_rollback"][-1] > whole["log_e_rollback"][-1]
    assert evaluate(a_doc([a_minute(50, 50 * 1.0000000001)]))["verdict"] == "keep_baking"


def test_more_may_stand_in_a_minute_than_the_judge_reads() -> None:
    noted = {**a_minute(), "at": "2026-05-03T14:00:00.000Z"}

    assert evaluate(a_doc([noted])) == evaluate(a_doc([a_minute()]))


def test_of_the_history_only_minutes_with_data_count() -> None:
    gaps = [[1000, 6], [None, None], [1000, 0], [0, 0], [1000, None], [1000, 0]] * 60
    doc = [a_minute()]

    assert evaluate(a_doc(doc, history=gaps))["phi"] == pytest.approx(5.451219512, abs=1e-9)
