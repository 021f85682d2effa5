"""A fixed limit at all traffic, and scores whose mean must not fall."""

from __future__ import annotations

import pytest

from sluice.domain.judge import evaluate
from tests.unit.judge.documents import Doc, a_minute

STEADY = [[1000, 500 + 3 * (index % 3)] for index in range(60)]
"""Scores of stable with a mean of about a half."""


def guarded(x: float, minutes: int, **more: object) -> Doc:
    """All traffic on the canary, with an SLO of one per cent."""
    alone = [a_minute(1000, x, None, None, weight=1)] * minutes
    return {"kind": "slo", "slo": 0.01, "history": [[1000, 5]] * 180, "minutes": alone, **more}


def scored(drop: float, minutes: int, **more: object) -> Doc:
    """A canary whose mean score is lower by `drop`."""
    both = [a_minute(500, 500 * (0.503 - drop), 500, 500 * 0.503)] * minutes
    return {"kind": "mean", "history": STEADY, "minutes": both, **more}


def test_twice_the_slo_is_found_in_minutes_and_just_keeping_it_is_not() -> None:
    assert evaluate(guarded(20, 10))["verdict"] == "rollback"
    assert evaluate(guarded(20, 10))["minute"] <= 5
    assert evaluate(guarded(10, 60))["verdict"] != "rollback"


def test_two_minutes_never_break_an_slo() -> None:
    assert evaluate(guarded(1000, 2))["verdict"] == "keep_baking"
    assert evaluate(guarded(1000, 3))["verdict"] == "rollback"


def test_at_all_traffic_a_step_passes_on_time_as_nothing_can_be_proven() -> None:
    policy = {"last_step": 0, "last_max_bake": 60}

    assert evaluate(guarded(5, 59, policy=policy))["verdict"] == "keep_baking"
    answer = evaluate(guarded(5, 60, policy=policy))
    assert answer["verdict"] == "promote"
    assert answer["requests_needed"] is None
    assert set(answer["log_e_promote"]) == {0.0}


def test_an_slo_is_told_in_its_own_words() -> None:
    reason = evaluate(guarded(40, 5))["reason"]

    assert "canary 200 bad of 5,000 (4 %);" in reason
    assert reason.endswith("x the allowed rate from minute 1")


def test_a_fallen_mean_rolls_back_and_an_equal_one_does_not() -> None:
    assert evaluate(scored(0.02, 10))["verdict"] == "rollback"
    assert evaluate(scored(0.0, 90))["verdict"] != "rollback"
    assert evaluate(scored(-0.02, 90))["verdict"] != "rollback", "better is not worse"


def test_a_drop_that_is_tolerated_does_not_roll_back() -> None:
    assert evaluate(scored(0.02, 30, tolerate_drop=0.03))["verdict"] != "rollback"


def test_two_minutes_of_scores_never_roll_back() -> None:
    assert evaluate(scored(0.4, 2))["verdict"] != "rollback"
    assert evaluate(scored(0.4, 3))["verdict"] == "rollback"


def test_scores_take_part_in_promotion_only_with_a_margin() -> None:
    without, with_it = evaluate(scored(0.0, 10)), evaluate(scored(0.0, 10, margin_drop=0.02))
    worse = evaluate(scored(0.02, 10, margin_drop=0.02, tolerate_drop=0.02))

    assert set(without["log_e_promote"]) == {0.0}
    assert with_it["verdict"] == "promote"
    assert worse["log_e_promote"][-1] < 0


def test_without_a_history_scores_say_nothing() -> None:
    answer = evaluate({**scored(0.4, 10), "history": STEADY[:5]})

    assert set(answer["log_e_rollback"]) == {0.0}
    assert answer["data_minutes"] == 0


def test_scores_below_zero_are_scores() -> None:
    below = [a_minute(500, -600, 500, -100)] * 3

    assert evaluate({**scored(0, 0), "minutes": below})["verdict"] == "rollback"


def test_kinds_go_together_in_one_document() -> None:
    def of(x_c: float) -> Doc:
        return {
            "errors": {"history": [[1000, 1]] * 180, "minutes": [a_minute(500, x_c, 500, 1)] * 9},
            "helpfulness": scored(0.0, 9),
        }

    assert evaluate({"metrics": of(0)})["verdict"] == "promote"
    assert evaluate({"metrics": of(30)})["verdict"] == "rollback"


@pytest.mark.parametrize("scale", [1, 1000])
def test_a_mean_is_judged_in_its_own_scatter_whatever_its_unit(scale: int) -> None:
    doc = scored(0.01, 30)
    doc["minutes"] = [dict(row) for row in doc["minutes"]]
    for row in doc["minutes"]:
        row["x_c"], row["x_s"] = row["x_c"] * scale, row["x_s"] * scale
    history = [[n, x * scale] for n, x in STEADY]
    once, again = evaluate(scored(0.01, 30)), evaluate({**doc, "history": history})

    assert again["log_e_rollback"] == pytest.approx(once["log_e_rollback"], abs=1e-6)
