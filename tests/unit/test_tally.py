"""What is read of a rollout's traffic, and how it is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sluice.domain.measures import CANARY, STABLE, Measure, Series, compared
from sluice.domain.policy import Policy, Score
from sluice.domain.release import System
from sluice.domain.rollout import Kind, Phase, Rollout
from sluice.domain.tally import Asked, Tally, to_read
from tests.builders import AT, STEPS, a_rollout, after

MINUTE = timedelta(minutes=1)
BAKING = a_rollout(position=0)
ERRORS, MODEL_ERRORS = compared(Policy())
REQUESTS = ERRORS.n.column(CANARY)
STABLE_REQUESTS = ERRORS.n.column(STABLE)


def a_tally(rollout: Rollout = BAKING, phase: Phase = Phase.BAKING, *, at: datetime = AT) -> Tally:
    empty = Tally(rollout=rollout.id, period=rollout.policy.period)
    return empty.begun(rollout, phase, since=at, now=at)


def asked(tally: Tally, rollout: Rollout = BAKING, *, minutes: float) -> Asked:
    wanted = to_read(tally, rollout, now=AT + minutes * MINUTE)
    assert wanted
    return wanted


def counted(tally: Tally, *, minutes: float, each: int = 7) -> Tally:
    """Every column had `each` in every minute up to then."""
    wanted = asked(tally, minutes=minutes)
    span = int((wanted.until - wanted.since) / MINUTE)
    values = {wanted.since + n * MINUTE: each for n in range(span)}
    return tally.read(wanted, dict.fromkeys(wanted.columns, values))


def test_the_first_reading_has_stables_history_and_both_variants() -> None:
    wanted = asked(a_tally(), minutes=3)

    assert (wanted.since, wanted.until) == (AT - 180 * MINUTE, AT + MINUTE)
    assert len(wanted.columns) == 6
    assert wanted.columns[REQUESTS][1] == {"EndpointName": "churn", "VariantName": "v4-e5"}
    assert wanted.columns[STABLE_REQUESTS][1] == {"EndpointName": "churn", "VariantName": "v3-e3"}


def test_an_application_is_read_by_the_version_that_its_alias_led_to() -> None:
    of_lambda = {"model": "serve", "endpoint_config": ""}
    rollout = BAKING.model_copy(
        update={
            "target": "application/support",
            "release": BAKING.release.model_copy(update={**of_lambda, "variant": "7"}),
            "policy": Policy(system=System.BEDROCK, latency_slo_ms=2000),
        }
    )

    wanted = asked(a_tally(rollout), rollout, minutes=3)

    canary = {one: told for one, told in wanted.columns.items() if one.startswith(CANARY)}
    assert list(canary) == [
        "canary AWS/Lambda Invocations Sum",
        "canary AWS/Lambda Errors Sum",
        "canary AWS/Lambda Duration SampleCount",
        "canary AWS/Lambda Duration TC(:2000)",
    ]
    through = {"FunctionName": "serve", "Resource": "serve:live", "ExecutedVersion": "7"}
    assert [dimensions for _, dimensions in canary.values()] == [through] * 4


def test_later_readings_have_new_minutes_and_the_last_few_again() -> None:
    tally = counted(a_tally(), minutes=33)

    wanted = asked(tally, minutes=34)

    assert (wanted.since, wanted.until) == (AT + 26 * MINUTE, AT + 32 * MINUTE)


@pytest.mark.parametrize(
    ("parked", "minutes", "settled"),
    [
        pytest.param(0, 2.99, 0, id="two minutes after it was over, not earlier"),
        pytest.param(0, 3, 1, id="a minute that is over and settled"),
        pytest.param(30, 3.9, 0, id="the minute that a step begins in belongs to no step"),
        pytest.param(30, 4, 1, id="the first whole one"),
    ],
)
def test_only_whole_minutes_that_have_settled_are_read(
    parked: float, minutes: float, settled: int
) -> None:
    tally = a_tally(at=after(parked))
    since = tally.starts[0].since

    wanted = to_read(tally, BAKING, now=AT + minutes * MINUTE)

    assert (int((wanted.until - since) / MINUTE) if wanted else 0) == settled


def test_nothing_is_read_twice_in_a_minute() -> None:
    tally = counted(a_tally(), minutes=10)

    assert to_read(tally, BAKING, now=AT + 10.9 * MINUTE) is None


def test_counts_that_come_late_complete_what_is_known() -> None:
    tally = counted(a_tally(), minutes=10, each=7)
    wanted = asked(tally, minutes=11)

    late = {REQUESTS: {AT + 6 * MINUTE: 9}}
    amended = tally.read(wanted, late)

    rows = amended.within(AT + 5 * MINUTE)
    requests = [n for n, _ in amended.pairs(CANARY, ERRORS, rows)]
    assert requests == [7, 9, 7, None]


def test_a_value_of_long_ago_or_of_tomorrow_is_no_row() -> None:
    tally = a_tally()
    wanted = asked(tally, minutes=5)

    read = tally.read(wanted, {REQUESTS: {AT - 999 * MINUTE: 1, AT + 99 * MINUTE: 1}})

    assert {n for n, _ in read.pairs(CANARY, ERRORS, read.within(AT - 999 * MINUTE))} == {None}


@pytest.mark.parametrize(
    ("n", "x", "pair"),
    [
        pytest.param(None, None, (None, None), id="nobody asked"),
        pytest.param(None, 3, (None, 3), id="errors, but no requests yet"),
        pytest.param(50, None, (50, 0), id="no error"),
        pytest.param(50, 3, (50, 3), id="errors"),
        pytest.param(2, 3, (2, 2), id="the requests come late"),
    ],
)
def test_missing_is_not_zero_but_no_errors_are(
    n: int | None, x: int | None, pair: tuple[int | None, int | None]
) -> None:
    assert ERRORS.pair(n, x) == pair


@pytest.mark.parametrize(
    ("n", "within", "pair"),
    [
        pytest.param(50, 48.5, (50, 1.5), id="interpolated"),
        pytest.param(50, None, (50, 50), id="none was fast enough"),
        pytest.param(50, 51, (50, 0), id="all were"),
    ],
)
def test_an_answer_is_bad_if_it_is_late(
    n: int, within: float | None, pair: tuple[int, float]
) -> None:
    *_, latency = compared(Policy(latency_slo_ms=500))

    assert latency.x.stat == "TC(:500000)"
    assert latency.pair(n, within) == pair


def test_a_step_that_began_is_remembered_once() -> None:
    first = a_tally()
    second = first.begun(a_rollout(position=1), Phase.BAKING, since=after(600), now=AT)

    assert first.begun(BAKING, Phase.HELD, since=after(1200), now=AT) == first
    assert [(one.position, one.weight) for one in second.starts] == [(0, 10), (1, 100)]
    assert second.begun(BAKING, Phase.BAKING, since=after(1200), now=AT) == second, (
        "a look that comes late"
    )


def test_a_step_begins_when_its_weight_is_in_effect() -> None:
    empty = Tally(rollout=BAKING.id)
    seen = empty.not_begun(BAKING, Phase.BAKING)

    late = seen.begun(BAKING, Phase.BAKING, since=AT, now=after(230))

    assert [one.since for one in late.starts] == [after(240)]
    assert late.not_begun(BAKING, Phase.BAKING) == late, "what has begun goes on"
    other = seen.begun(a_rollout(position=1), Phase.BAKING, since=AT, now=after(230))
    assert [one.since for one in other.starts] == [AT], "it was said of the step before"


def test_at_all_traffic_only_the_canarys_errors_are_read() -> None:
    rollout = a_rollout(position=1)
    tally = counted(a_tally(), minutes=10).begun(
        rollout, Phase.BAKING, since=after(600), now=after(600)
    )

    wanted = asked(tally, rollout, minutes=20)

    assert set(wanted.columns) == {ERRORS.n.column(CANARY), ERRORS.x.column(CANARY)}


def test_the_first_release_of_a_target_has_nothing_to_be_compared_with() -> None:
    rollout = a_rollout(Kind.ALL_AT_ONCE)
    tally = a_tally(rollout, Phase.STANDING_BY)

    wanted = asked(tally, rollout, minutes=5)

    assert wanted.since == AT
    assert set(wanted.columns) == {ERRORS.n.column(CANARY), ERRORS.x.column(CANARY)}


def test_variants_are_compared_for_two_days_at_most() -> None:
    tally = a_tally()

    assert asked(tally, minutes=9000).until == AT + timedelta(hours=48)


def test_five_minutes_can_be_counted_together() -> None:
    rollout = a_rollout(position=0, policy=Policy(period=300))
    tally = a_tally(rollout, at=after(120))

    assert tally.starts[0].since == after(300)
    assert to_read(tally, rollout, now=after(600 + 119)) is None
    assert asked(tally, rollout, minutes=12).until == after(600)


def test_a_metric_of_ones_own_is_found_by_the_variants_name() -> None:
    score = Score(
        name="stars",
        namespace="Reviews",
        metric="Stars",
        dimension="Variant",
        dimensions={"Site": "main"},
    )
    rollout = a_rollout(position=0, policy=Policy(scores=(score,)))

    columns = asked(a_tally(rollout), rollout, minutes=5).columns

    measure = Measure("stars", Series("Reviews", "Stars", "SampleCount"), ERRORS.x)
    assert columns[measure.n.column(CANARY)][1] == {"Site": "main", "Variant": "v4-e5"}
    assert len(columns) == 10


def test_steps_in_the_builder_are_what_these_tests_take_them_for() -> None:
    assert [one.weight for one in STEPS] == [10, 100]
