"""Which verdict comes first, and every reason for a hold."""

from __future__ import annotations

import pytest

from sluice.domain.judge import evaluate
from tests.unit.judge.documents import Doc, a_doc, a_minute

CLEAN = a_minute(500, 0, 9500, 10)
BAD = a_minute(50, 20)
SPARSE = a_minute(5, 0, 95, 0)
"""Far too little traffic to prove anything."""
BLIND = a_minute(0, 0, 950, 1)
DARK = a_minute(None, None, None, None)
NO_STABLE = a_minute(50, 0, None, None)


def at_step(step: int, minutes: list[Doc]) -> list[Doc]:
    """The same minutes, later on the ladder."""
    return [{**minute, "step": step} for minute in minutes]


@pytest.mark.parametrize(
    ("minutes", "verdict", "reason"),
    [
        pytest.param([], "keep_baking", "no verdict yet", id="nothing yet"),
        pytest.param([CLEAN] * 4, "keep_baking", "no verdict yet", id="too early"),
        pytest.param([CLEAN] * 5, "promote", "not materially worse", id="evidence"),
        pytest.param([SPARSE] * 29, "keep_baking", "no verdict yet", id="no evidence, no time"),
        pytest.param([SPARSE] * 30, "promote", "30 minutes", id="an early step passes on time"),
        pytest.param(at_step(2, [CLEAN] * 5), "promote", "not mat", id="the last step, proven"),
        pytest.param(at_step(2, [SPARSE] * 59), "keep_baking", "no verd", id="the last step waits"),
        pytest.param(at_step(2, [SPARSE] * 60), "hold", "undecided after 60", id="never on time"),
        pytest.param([BAD] * 3, "rollback", "worse than is tolerated", id="worse"),
        pytest.param([BAD] * 3 + [CLEAN] * 60, "rollback", "at minute 3", id="sticky"),
        pytest.param([BAD] * 3 + [BLIND] * 5, "rollback", "at minute 3", id="rollback over hold"),
        pytest.param([CLEAN] * 5 + [BLIND] * 4, "promote", "not mat", id="silent, not for long"),
        pytest.param([CLEAN] * 5 + [BLIND] * 5, "hold", "blind", id="hold over promote"),
        pytest.param([BLIND] * 5, "hold", "last 5 minutes", id="blind from the start"),
        pytest.param([a_minute(None, None)] * 5, "hold", "blind", id="canary not known: blind"),
        pytest.param(
            [a_minute(0, 0, 90, 0)] * 9, "keep_baking", "no verd", id="4.7 due: not blind"
        ),
        pytest.param([a_minute(0, 0, 95, 0)] * 9, "hold", "blind", id="5 due: blind"),
        pytest.param([DARK] * 29, "keep_baking", "no verdict yet", id="nobody has traffic"),
        pytest.param([DARK] * 30, "hold", "too little data: 0 minutes", id="nobody ever had"),
        pytest.param([NO_STABLE] * 29, "keep_baking", "no verdict", id="stable is missing"),
        pytest.param([NO_STABLE] * 30, "hold", "too little data", id="stable was never there"),
        pytest.param([DARK] * 26 + [SPARSE] * 4, "hold", "4 minutes", id="four minutes with data"),
        pytest.param([DARK] * 25 + [SPARSE] * 5, "promote", "30 minutes", id="five with data"),
    ],
)
def test_the_verdict_and_its_reason(minutes: list[Doc], verdict: str, reason: str) -> None:
    answer = evaluate(a_doc(minutes))

    assert answer["verdict"] == verdict
    assert reason in answer["reason"]


def test_evidence_of_a_step_begins_anew_with_it() -> None:
    answer = evaluate(a_doc([CLEAN] * 5 + at_step(1, [CLEAN])))

    assert answer["log_e_promote"][5] == pytest.approx(answer["log_e_promote"][0], abs=0.5)
    assert answer["verdict"] == "keep_baking"
    assert (answer["step"], answer["minutes_in_step"], answer["data_minutes"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("policy", "minutes", "verdict"),
    [
        pytest.param({"min_bake": 3}, [CLEAN] * 3, "promote", id="shorter"),
        pytest.param({"min_bake": 8}, [CLEAN] * 7, "keep_baking", id="longer"),
        pytest.param({"max_bake": 10}, [SPARSE] * 10, "promote", id="sooner on time"),
        pytest.param({"last_step": 0, "last_max_bake": 9}, [SPARSE] * 9, "hold", id="one step"),
        pytest.param({"blind_hold": 2}, [CLEAN, BLIND, BLIND], "hold", id="sooner blind"),
        pytest.param({"expected_floor": 60}, [BLIND] * 9, "keep_baking", id="more must be due"),
        pytest.param(
            {"expected_floor": 7},
            [a_minute(0, 0, 13, 0, weight=0.35)] * 5,
            "hold",
            id="13 x 0.35 / 0.65 is 7",
        ),
        pytest.param({"min_samples": 2600}, [CLEAN] * 5, "keep_baking", id="too few requests"),
        pytest.param({"min_samples": 2500}, [CLEAN] * 5, "promote", id="enough requests"),
        pytest.param({"min_samples": 999}, [SPARSE] * 30, "hold", id="too few when time is up"),
    ],
)
def test_the_policy_is_kept_to(policy: Doc, minutes: list[Doc], verdict: str) -> None:
    assert evaluate(a_doc(minutes, policy=policy))["verdict"] == verdict


def test_a_metric_that_has_not_proven_itself_keeps_a_step_from_passing() -> None:
    fine, unproven = {"minutes": [CLEAN] * 6}, {"minutes": [SPARSE] * 6}

    assert evaluate({"metrics": {"errors": fine}})["verdict"] == "promote"
    both = evaluate({"metrics": {"errors": fine, "slow": unproven}})
    assert both["verdict"] == "keep_baking"
    assert both["requests_needed"] > 900


def test_one_metric_of_three_is_enough_to_roll_back_but_needs_more_evidence() -> None:
    def bad_one_of(count: int) -> Doc:
        others = {f"fine {index}": {"minutes": [a_minute()] * 9} for index in range(count - 1)}
        return {"metrics": {"bad": {"minutes": [a_minute(x_c=6)] * 9}, **others}}

    alone, one_of_three = evaluate(bad_one_of(1)), evaluate(bad_one_of(3))

    assert alone["verdict"] == one_of_three["verdict"] == "rollback"
    assert alone["minute"] <= one_of_three["minute"]
    assert one_of_three["reason"].startswith("the canary is worse than is tolerated; bad: canary ")


def test_the_evidence_is_told_so_that_a_person_can_follow_it() -> None:
    answer = evaluate(a_doc([a_minute()] * 5 + [a_minute(x_c=5)] * 4 + [DARK] + [BLIND]))
    metric = answer["metrics"][""]

    assert metric["canary"] == {"n": 450, "x": 20, "rate": 20 / 450}
    assert metric["stable"] == {"n": 8550, "x": 9, "rate": 9 / 8550}
    assert metric["looks_like"]["from_minute"] == 6
    assert metric["looks_like"]["says"].endswith("x the tolerated rate")
    assert (metric["phi"], metric["phi_now"], metric["data_minutes"]) == (1.0, 1.0, 9)
    assert (answer["data_minutes"], answer["blind_minutes"]) == (9, 1)
    assert answer["thresholds"] == {
        "rollback": pytest.approx(4.60517),
        "promote": pytest.approx(2.99573),
    }
    assert "canary 20 bad of 450 (4.44 %), stable 9 bad of 8,550 (0.105 %)" in answer["reason"]


def test_what_a_rollback_looks_like_is_what_it_looked_like_then() -> None:
    later = [a_minute(x_c=0, x_s=9)] * 200 + [a_minute(x_c=50)] * 30
    answer = evaluate(a_doc([BAD] * 3 + later))

    assert answer["minute"] == 3
    assert answer["metrics"][""]["looks_like"]["from_minute"] == 1


def test_an_undecided_canary_is_told_how_many_requests_it_still_needs() -> None:
    """Without errors anywhere proof takes phi (ln 1/beta + ln 6) / margin: 960 at the defaults."""
    doc = {"minutes": at_step(2, [a_minute(5, 0, 5, 0, weight=0.5)] * 60)}
    answer = evaluate(doc)
    needed, spent = answer["requests_needed"], 300

    assert answer["verdict"] == "hold"
    assert f"about {needed:,} more canary requests are needed" in answer["reason"]
    assert 960 * answer["phi"] - spent <= needed <= 960 * answer["phi"]


def test_every_bet_is_capped_where_many_bad_minutes_are_asked_for() -> None:
    config = {"min_bad_minutes": 12}

    assert evaluate(a_doc([BAD] * 11, config=config))["verdict"] != "rollback"
    assert evaluate(a_doc([BAD] * 16, config=config))["verdict"] == "rollback"


@pytest.mark.parametrize("config", [{"min_bad_minutes": 1}, {"alpha": 1e-300}], ids=str)
def test_the_worst_minutes_of_a_large_service_fit_into_a_float(config: Doc) -> None:
    minutes = [a_minute(10**7, 10**7, 10**7, 0, weight=0.5)] * 9

    assert evaluate({"minutes": minutes, "config": config})["verdict"] == "rollback"


def test_one_bad_minute_is_enough_where_that_is_asked_for() -> None:
    answer = evaluate(a_doc([a_minute(), a_minute(x_c=50)], config={"min_bad_minutes": 1}))

    assert (answer["verdict"], answer["minute"]) == ("rollback", 2)


def test_noise_of_the_rollout_itself_counts_when_the_history_was_calm() -> None:
    calm = [a_minute(500, 5, 500, 5)] * 20
    noisy = [a_minute(500, 5, 500, 10 * (index % 2)) for index in range(20)]

    assert evaluate(a_doc(calm))["metrics"][""]["phi_now"] == 1
    assert evaluate(a_doc(noisy))["metrics"][""]["phi_now"] > 3
