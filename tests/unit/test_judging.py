"""From a tally to a finding: what the judge is given, and what its answer means for a rollout."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from sluice.domain.judging import UNANSWERED, Evidence, find
from sluice.domain.measures import CANARY, STABLE, compared
from sluice.domain.policy import Policy, Score
from sluice.domain.rollout import Kind, Phase, Rollout, Step, Verdict
from sluice.domain.tally import Tally, to_read
from tests.builders import AT, a_rollout, an_evidence

MINUTE = timedelta(minutes=1)
STEPS = tuple(
    Step(weight=weight, min_seconds=least, data_seconds=300, max_seconds=most)
    for weight, least, most in ((10, 300, 1800), (50, 300, 3600), (100, 1800, 3600))
)
BAKING = a_rollout(position=0, steps=STEPS)
GOOD, BAD = (100, 0), (100, 20)
type Count = tuple[int, int] | None


def a_course(
    canary: list[Count],
    stable: list[Count],
    rollout: Rollout = BAKING,
    phase: Phase = Phase.BAKING,
    tally: Tally | None = None,
) -> Tally:
    """The tally after so many minutes more; stable had a clean history, nothing else had any."""
    before = tally or Tally(rollout=rollout.id, period=rollout.policy.period)
    at = before.ends if before.starts and before.ends else AT
    begun = before.begun(rollout, phase, since=at, now=at)
    asked = to_read(begun, rollout, now=at + (len(canary) + 2) * MINUTE)
    assert asked
    readings: dict[str, dict[Any, int]] = {name: {} for name in asked.columns}
    for side, counts in ((CANARY, canary), (STABLE, stable)):
        errors = compared(rollout.policy)[0]
        for number, count in enumerate(counts):
            for series, value in zip((errors.n, errors.x), count or (), strict=False):
                readings.get(series.column(side), {})[at + number * MINUTE] = value
    history = readings.get(compared(rollout.policy)[0].n.column(STABLE), {})
    if not before.rows:
        history.update({at - number * MINUTE: 900 for number in range(1, 181)})
    return begun.read(asked, readings)


def test_a_canary_that_is_worse_than_stable_fails_with_the_numbers() -> None:
    found = find(a_course([BAD] * 6, [(900, 0)] * 6), BAKING)

    assert found.verdict is Verdict.FAILED
    assert "canary 120 bad of 600 (20 %), stable 0 bad of 5,400" in found.reason
    assert found.requests == 600


def test_an_outage_that_hits_both_says_nothing_against_the_canary() -> None:
    found = find(a_course([(100, 30)] * 12, [(900, 270)] * 12), BAKING)

    assert found.verdict is None


def test_two_bad_minutes_are_not_enough() -> None:
    assert find(a_course([BAD] * 2, [(900, 0)] * 2), BAKING).verdict is None


def test_an_early_step_passes_when_its_time_is_over() -> None:
    assert find(a_course([(10, 0)] * 29, [(90, 0)] * 29), BAKING).verdict is None
    assert find(a_course([(10, 0)] * 30, [(90, 0)] * 30), BAKING).verdict is Verdict.PASSED


def test_the_step_before_all_traffic_passes_on_evidence_only() -> None:
    rollout = a_rollout(position=1, steps=STEPS)
    few: list[Count] = [(4, 0)] * 60
    many: list[Count] = [(400, 0)] * 5

    undecided = find(a_course(few, few, rollout), rollout)
    assert undecided.verdict is Verdict.INCONCLUSIVE
    assert "undecided after 60 minutes" in undecided.reason
    assert "more canary requests are needed" in undecided.reason
    assert find(a_course(many, many, rollout), rollout).verdict is Verdict.PASSED


def test_nobody_asks_nobody_is_promoted() -> None:
    found = find(a_course([None] * 30, [None] * 30), BAKING)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "too little data" in found.reason


def test_a_canary_that_gets_no_requests_although_it_should_is_held() -> None:
    found = find(a_course([None] * 5, [(900, 0)] * 5), BAKING)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "blind" in found.reason


def test_what_was_said_of_the_step_before_is_not_said_of_this_one() -> None:
    first = a_course([(500, 0)] * 6, [(900, 0)] * 6)
    assert find(first, BAKING).verdict is Verdict.PASSED
    rollout = a_rollout(position=1, steps=STEPS)

    just_begun = first.begun(rollout, Phase.BAKING, since=AT + 8 * MINUTE, now=AT + 8 * MINUTE)

    assert find(just_begun, rollout).verdict is None


def test_minutes_belong_to_the_step_that_had_begun() -> None:
    rollout = a_rollout(position=1, steps=STEPS)
    tally = a_course([GOOD] * 6, [(900, 0)] * 6)

    later = a_course([(300, 0)] * 3, [(500, 0)] * 3, rollout, tally=tally)

    evidence = find(later, rollout).evidence
    assert evidence
    minutes = evidence.document["metrics"]["errors"]["minutes"]
    assert [one["step"] for one in minutes] == [0] * 6 + [1] * 3
    assert [one["weight"] for one in minutes] == [0.1] * 6 + [0.5] * 3
    assert len(evidence.document["metrics"]["errors"]["history"]) == 180


ALL = a_rollout(position=2, steps=STEPS)


@pytest.mark.parametrize(
    ("canary", "verdict"),
    [
        pytest.param([(1000, 10)] * 29, None, id="within its rate, but not over"),
        pytest.param([(1000, 10)] * 30, Verdict.PASSED, id="within its rate until it is over"),
        pytest.param([(1000, 900)] * 6, Verdict.FAILED, id="nine of ten fail"),
        pytest.param([None] * 30, Verdict.INCONCLUSIVE, id="without data"),
    ],
)
def test_at_all_traffic_a_guard_holds_it_against_its_own_rate(
    canary: list[Count], verdict: Verdict | None
) -> None:
    assert find(a_course(canary, [], ALL), ALL).verdict is verdict


def test_the_guard_is_as_sure_as_its_own_alpha_says() -> None:
    found = find(a_course([GOOD] * 5, [], ALL), ALL)

    assert found.evidence
    assert found.evidence.document["config"]["alpha"] == ALL.policy.guard_alpha


def test_the_guard_goes_on_while_the_old_version_stands_by() -> None:
    tally = a_course([GOOD] * 30, [], ALL)

    later = a_course([(100, 90)] * 6, [], ALL, Phase.STANDING_BY, tally)

    found = find(later, ALL)
    assert found.verdict is Verdict.FAILED
    assert found.requests == 600, "those of the stand-by"


def test_a_first_release_is_counted_and_not_judged() -> None:
    rollout = a_rollout(Kind.ALL_AT_ONCE)

    found = find(a_course([BAD] * 9, [], rollout, Phase.STANDING_BY), rollout)

    assert (found.verdict, found.requests) == (None, 900)


def test_a_cloudwatch_that_never_answers_is_nobodys_fault() -> None:
    tally = a_course([GOOD] * 5, [(900, 0)] * 5)
    for _ in range(UNANSWERED - 1):
        tally = tally.not_read()
    assert find(tally, BAKING).verdict is None

    found = find(tally.not_read(), BAKING)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "CloudWatch did not answer 10 looks in a row"


def test_five_minutes_counted_together_take_as_long() -> None:
    rollout = a_rollout(position=0, steps=STEPS, policy=Policy(period=300))
    begun = Tally(rollout=rollout.id, period=300).begun(rollout, Phase.BAKING, since=AT, now=AT)
    asked = to_read(begun, rollout, now=AT + 12 * MINUTE)
    assert asked

    evidence = find(begun.read(asked, {}), rollout).evidence

    assert evidence
    assert evidence.document["policy"] == {
        "min_bake": 1,
        "max_bake": 6,
        "last_max_bake": 6,
        "last_step": 1,
        "blind_hold": 1,
        "expected_floor": 25.0,
    }


def test_a_score_that_drops_is_judged_too() -> None:
    score = Score(name="stars", namespace="Reviews", metric="Stars", dimension="VariantName")
    rollout = a_rollout(position=0, steps=STEPS, policy=Policy(scores=(score,)))
    tally = a_course([GOOD] * 12, [(900, 0)] * 12, rollout)
    *_, stars = compared(rollout.policy)
    asked = to_read(tally, rollout, now=AT + 15 * MINUTE)
    assert asked
    chance = random.Random(4)  # noqa: S311 - scores, not secrets
    readings: dict[str, dict[Any, float]] = {name: {} for name in asked.columns}
    for minute in range(-180, 12):
        for side, mean in ((CANARY, 2.0), (STABLE, 4.0)):
            if side == STABLE or minute >= 0:
                at = AT + minute * MINUTE
                readings[stars.n.column(side)][at] = 100
                readings[stars.x.column(side)][at] = 100 * (mean + chance.gauss(0, 0.1))

    found = find(tally.read(asked, readings), rollout)

    assert found.verdict is Verdict.FAILED
    assert "stars" in found.reason


def test_evidence_is_named_after_what_is_in_it() -> None:
    one, other = an_evidence(), an_evidence(rollout="churn-g1-e6")

    assert one.name == an_evidence().name
    assert one.name.startswith("00004-")
    assert one.name != other.name


def test_evidence_that_is_judged_again_is_the_same_byte_for_byte() -> None:
    evidence = find(a_course([BAD] * 6, [(900, 3)] * 6), BAKING).evidence
    assert evidence

    read = Evidence.model_validate_json(evidence.canonical())

    assert read.replayed().canonical() == evidence.canonical()
