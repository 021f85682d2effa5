"""What is foreseen of a rollout at the traffic there is."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from sluice.domain.forecasting import expect, in_words, to_ask
from sluice.domain.measures import STABLE
from sluice.domain.plan import RolloutPlan
from sluice.domain.policy import Policy
from sluice.domain.rollout import Kind, Rollout, Step
from tests.builders import AT, a_guarded, a_rollout

MINUTE = timedelta(minutes=1)
STEPS = (
    Step(weight=5, min_seconds=300, data_seconds=300, max_seconds=1800),
    Step(weight=50, min_seconds=300, data_seconds=300, max_seconds=3600),
    Step(weight=100, min_seconds=3600, data_seconds=300, max_seconds=5100),
)
ROLLOUT = a_rollout(steps=STEPS)


def readings(requests: int, errors: int = 0) -> dict[str, dict[datetime, int]]:
    """So many requests and errors in each of the last 180 minutes."""
    asked = to_ask(ROLLOUT, now=AT)
    assert asked
    n, x = asked.columns
    minutes = [asked.since + number * MINUTE for number in range(180)]
    counted = {n: dict.fromkeys(minutes, requests), x: dict.fromkeys(minutes, errors)}
    return {name: values for name, values in counted.items() if requests}


def test_stables_last_three_hours_are_asked_for_once() -> None:
    asked = to_ask(ROLLOUT, now=AT + timedelta(seconds=30))

    assert asked
    assert all(name.startswith(STABLE) for name in asked.columns)
    assert len(asked.columns) == 2
    assert (asked.until - asked.since, asked.until) == (180 * MINUTE, AT - 2 * MINUTE)


@pytest.mark.parametrize(
    "rollout",
    [
        pytest.param(a_rollout(Kind.ALL_AT_ONCE), id="a first deployment"),
        pytest.param(a_rollout(Kind.ROLL_BACK), id="a rollback"),
        pytest.param(a_rollout(steps=STEPS[-1:]), id="all at once"),
        pytest.param(a_guarded(), id="a serverless endpoint"),
    ],
)
def test_where_nothing_is_compared_nothing_is_foreseen(rollout: Rollout) -> None:
    assert to_ask(rollout, now=AT) is None


def test_much_traffic_decides_every_step() -> None:
    told = expect(ROLLOUT, readings(10_000, 10), now=AT)

    assert told.warnings == ()
    assert (told.requests_per_minute, told.bad_rate) == (10_000, 0.001)
    assert [step["canary_requests_per_minute"] for step in told.steps] == [500, 5000]
    assert all(step["minutes_to_promote"] <= 30 for step in told.steps)


def test_little_traffic_is_warned_of_with_what_to_change() -> None:
    told = expect(ROLLOUT, readings(10), now=AT)

    (warning, *_) = told.warnings
    assert "step 2 (50 %) will be held: proof needs about 1,437 canary requests" in warning
    assert f"! {warning}" in in_words(told)
    named = re.findall(r"(\w+)\.(\w+)", warning.partition("; raise ")[2])
    assert named == [("bake_minutes", "last"), ("analysis", "margin_abs")]
    plan = RolloutPlan().model_dump()
    assert all(field in plan[section] for section, field in named), "as the user may write them"


def test_a_larger_margin_is_worth_requests() -> None:
    policy = Policy(analysis={"margin_abs": 0.3})
    told = expect(a_rollout(steps=STEPS, policy=policy), readings(10), now=AT)

    assert not any("will be held" in one for one in told.warnings)


def test_without_any_traffic_the_warning_says_so() -> None:
    told = expect(ROLLOUT, readings(0), now=AT)

    assert told.steps == ()
    assert "no requests in the last three hours" in told.warnings[0]


def test_a_service_that_always_fails_is_no_error() -> None:
    assert expect(ROLLOUT, readings(10, 10), now=AT).warnings


def test_people_read_a_line_for_each_step() -> None:
    lines = in_words(expect(ROLLOUT, readings(10_000, 10), now=AT)).splitlines()

    assert lines[0] == "At 10,000 requests a minute, 0.100% of them bad:"
    assert lines[1].startswith("5 %: 500 canary requests a minute, proven after about ")
    assert len(lines) == 3
