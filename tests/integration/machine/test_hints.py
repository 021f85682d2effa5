"""Events are hints: however often, late, early, out of order or never they come, the end is one."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.rollout import Phase
from tests.integration.machine.courses import BOTH, Courses, Moment, at
from tests.integration.machine.invariants import Invariants
from tests.integration.machine.test_histories import told, waiting

if TYPE_CHECKING:
    from tests.integration.machine.world import World

type Event = dict[str, Any]

CANARY = "v2-e2"


def newest(world: World) -> str:
    """Version 3 serves; version 2 was not blamed for that."""
    serves = {name.partition("-")[0] for name in world.traffic()}
    marks = {**world.state.bad, **world.state.suspect}
    return f"{serves} serves, marked {list(marks)}" if serves != {"v3"} or marks else ""


# Approvals.


def interleaved(world: World, first: Event, second: Event, number: int, *, of: int) -> None:
    """`second` is handled within the handling of `first`, before that call of it, or after all."""
    other = partial(world.deliver, "reconcile_target", second)
    with world.wire.around(before=at(number, other)):
        world.deliver("reconcile_target", first)
    if number == of:
        other()


@BOTH
def test_two_approvals_interleave_at_every_call_and_the_newest_serves(serving: World) -> None:
    """Version 3 is approved ten seconds after version 2; their events come in either order."""
    serving.decide(2, "Approved")
    serving.account.clock.now = serving.account.clock.after(10)
    serving.decide(3, "Approved")
    events = [one.event for one in serving.account.pending]
    serving.account.pending.clear()
    saved = serving.save()
    courses = Courses(serving, newest)

    for first, second in (events, events[::-1]):
        serving.restore(saved)
        serving.wire.calls.clear()
        serving.deliver("reconcile_target", first)
        calls = tuple(one.operation for one in serving.wire.calls)
        both = Moment(0, "both approvals", saved, calls, calls, "reconcile_target")
        for number in range(len(calls) + 1):
            way = partial(interleaved, serving, first, second, number, of=len(calls))
            courses.take(both, f"second approval before call {number}", way)

    courses.verify(at_least=16)


def test_an_approval_at_any_moment_of_a_rollout_waits_for_its_end(
    serving: World, rollout: list[Moment]
) -> None:
    courses = Courses(serving, newest)

    for moment in rollout[1::3]:
        courses.take(moment, "approval of version 3", partial(serving.decide, 3, "Approved"))

    courses.verify(at_least=18)


def told_in(world: World, order: tuple[Event, ...], *, steps: int) -> None:
    """The events are handled in this order, with so many steps between them."""
    for event in order:
        world.deliver("reconcile_target", event)
        for _ in range(steps):
            world.step()


@pytest.mark.parametrize("steps", [0, 9])
def test_decisions_told_in_any_order_or_not_at_all_end_alike(serving: World, steps: int) -> None:
    """2 and 3 are approved, then 1, which serves, is rejected, and 2 as well."""
    for version, status in ((2, "Approved"), (3, "Approved"), (1, "Rejected"), (2, "Rejected")):
        serving.decide(version, status)
        serving.account.clock.now = serving.account.clock.after(10)
    events = [one.event for one in serving.account.pending]
    serving.account.pending.clear()
    saved = Moment(0, "all four", serving.save(), (), (), "")
    courses = Courses(serving, newest)

    for number in range(len(events) + 1):
        for order in permutations(events, number):
            name = ", ".join(str(events.index(one)) for one in order)
            courses.take(saved, f"[{name}] told", partial(told_in, serving, order, steps=steps))

    courses.verify(at_least=65)


def stood_by(world: World) -> str:
    """Version 2 serves: a person stood by it, and it was deployed for that, or served already."""
    serves, told = {name.partition("-")[0] for name in world.traffic()}, world.events()
    if serves != {"v2"} or told.count("Rejected churn-v2") != 1:
        return f"{serves} serves"
    since = told[told.index("Rejected churn-v2") :]
    again = [
        one for one in ("RolloutStarted churn-v2", "ApprovalConsumed churn-v2") if one in since
    ]
    return "" if since[1] == "Approved churn-v2" and len(again) == 1 else f"answered by {again}"


def changes_its_mind(world: World, *, first: int) -> None:
    """Somebody rejects 2 and approves it again a second later; either event is heard first."""
    for status in ("Rejected", "Approved"):
        world.account.clock.now = world.account.clock.after(1)
        world.decide(2, status)
    events = [one.event for one in world.account.pending[-2:]]
    del world.account.pending[-2:]
    told_in(world, (events[first], events[1 - first]), steps=0)


@BOTH
@pytest.mark.parametrize("first", [0, 1])
def test_a_rejection_that_was_over_before_anybody_looked_counts(
    serving: World, rollout: list[Moment], first: int
) -> None:
    courses = Courses(serving, stood_by)

    for moment in rollout[3::6]:
        courses.take(moment, "2 is rejected", partial(changes_its_mind, serving, first=first))

    courses.verify(at_least=10)


@BOTH
def test_an_approval_nobody_hears_of_is_found_by_the_schedule(serving: World) -> None:
    serving.hears = lambda _function, _event: False
    serving.decide(2, "Approved")
    serving.settle()

    Invariants(serving).at_rest()
    assert serving.traffic() == {serving.canary: 100.0}


# Alarms.


def test_a_hundred_alarms_are_one_rollback(serving: World) -> None:
    waiting(serving, Phase.BAKING)
    fired = serving.fire(CANARY)
    old = {**fired, "time": "2026-05-01T00:00:00Z"}
    serving.wire.calls.clear()
    for number in range(100):
        serving.send("handle_alarm", old if number % 3 else fired)
    events = told(serving)

    assert events.count("AlarmFired churn-v2") == events.count("Aborted churn-v2") == 1
    assert serving.traffic() == {"v1-e1": 100.0}
    assert _asked(serving, "UpdateEndpointWeightsAndCapacities") == 1
    assert _asked(serving, "UpdateModelPackage") == 1


def test_an_alarm_that_flaps_takes_the_version_back_once(serving: World) -> None:
    waiting(serving, Phase.BAKING)
    for state in ("ALARM", "OK", "INSUFFICIENT_DATA", "ALARM", "OK"):
        event = serving.fire(CANARY, state=state)
        if state == "ALARM":  # the rule hears of nothing else
            serving.send("handle_alarm", event)
        serving.step()
    events = told(serving)

    assert events.count("Aborted churn-v2") == 1
    assert events.count("RolloutStarted churn-v2") == 1
    assert serving.traffic() == {"v1-e1": 100.0}


def test_an_alarm_that_outlives_its_mute_is_acted_on(serving: World) -> None:
    serving.decide(2, "Approved")
    serving.settle()
    serving.deliver("handle_alarm", serving.fire(CANARY, muted=True))
    before = serving.events()
    serving.account.cloudwatch.muted.clear()  # its window ends; the alarm says nothing more
    serving.settle()

    Invariants(serving).at_rest()
    assert before.count("RolloutStarted churn-v1") == 1, "its first deployment"
    assert serving.traffic() == {"v1-e3": 100.0}


# All of them again.


def ended_badly(world: World) -> None:
    waiting(world, Phase.BAKING)
    world.deliver("handle_alarm", world.fire(CANARY))


def ended_well(world: World) -> None:
    world.decide(2, "Approved")


def rolled_back_later(world: World) -> None:
    world.decide(2, "Approved")
    world.settle()
    world.deliver("handle_alarm", world.fire(CANARY))


@pytest.mark.parametrize("story", [ended_well, ended_badly, rolled_back_later])
def test_delivering_every_event_again_in_any_order_changes_nothing(
    serving: World, story: object
) -> None:
    assert callable(story)
    story(serving)
    events = told(serving)
    traffic, log = serving.traffic(), list(serving.account.delivered)
    serving.wire.calls.clear()

    for order in (log, log[::-1], [*log[1::2], *log[::2], *log]):
        for function, event in order:
            serving.call(function, event)
    mutating = [
        one.operation
        for one in serving.wire.calls
        if one.mutates and one.service in {"sagemaker", "stepfunctions", "cloudwatch"}
    ]

    assert len(log) >= 9
    assert mutating == []
    assert (told(serving), serving.traffic()) == (events, traffic)


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("story", [ended_well, ended_badly, rolled_back_later])
def test_a_sender_whose_clock_is_wrong_by_an_hour_changes_only_timestamps(
    serving: World, story: object, hours: int
) -> None:
    """The schedules' clock is right; approvals, alarms and endpoints tell another time."""
    assert callable(story)
    saved = serving.save()
    story(serving)
    expected, traffic = told(serving), serving.traffic()
    serving.restore(saved)

    def skewed(moment: datetime) -> datetime:
        return moment + timedelta(hours=hours)

    serving.skew = skewed
    story(serving)

    assert (told(serving), serving.traffic()) == (expected, traffic)


def _asked(world: World, operation: str) -> int:
    return sum(one.operation == operation for one in world.wire.calls)
