"""`handle_alarm`: an alarm's event in; the signal, the wake-up and the owed rollback out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.rollout import Phase
from tests.builders import (
    ALARM_ARN,
    AT,
    CANARY,
    STABLE,
    TARGET,
    a_rollout,
    a_state,
    an_event,
    deployed,
    watches,
)

if TYPE_CHECKING:
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

FIRED = an_event("cloudwatch_alarm_single_metric")
OLD = deployed(2, epoch=2)
PARKED: dict[str, Any] = {"token": "t-1", "parked_at": AT, "phase": Phase.BAKING}


def handle(world: World, event: dict[str, Any] = FIRED) -> str:
    answer: str = world.call("handle_alarm", event)["answer"]
    return answer


@pytest.fixture
def baking(world: World, wire: Wire) -> World:
    """Version 4 bakes at 10 %, watched by an alarm; the machine is parked."""
    world.given(a_state(a_rollout(position=0), **PARKED))
    world.targets.watch(ALARM_ARN, watches())
    wire.always("SendTaskSuccess")
    return world


def test_the_parked_rollout_is_woken_with_the_way_back(baking: World, wire: Wire) -> None:
    assert handle(baking) == "woke the holder"

    (sent,) = wire.calls("SendTaskSuccess")
    woken = json.loads(sent["output"])
    assert (sent["taskToken"], woken["id"]) == ("t-1", "churn-g1-e5")
    assert (woken["action"], woken["blames"]) == ("RollBack", True)
    assert woken["reason"].startswith("alarm sluice-churn-v4-e5-errors: Threshold Crossed")
    assert baking.history() == ["AlarmFired"]


def test_the_signal_is_written_before_the_machine_is_woken(
    baking: World, wire: Wire, faults: Faults
) -> None:
    with faults.recorded() as operations:
        handle(baking)

    written = max(n for n, one in enumerate(operations) if one == "TransactWriteItems")
    assert written < operations.index("SendTaskSuccess")


@pytest.mark.parametrize("times", [2, 5])
def test_an_alarm_told_often_wakes_once(baking: World, wire: Wire, times: int) -> None:
    for _ in range(times):
        handle(baking)

    assert len(wire.calls("SendTaskSuccess")) == 1
    assert baking.history() == ["AlarmFired"]


def test_a_rollout_at_work_finds_the_signal_when_it_parks(world: World, wire: Wire) -> None:
    world.given(a_state(a_rollout(position=0)))
    world.targets.watch(ALARM_ARN, watches())

    assert handle(world) == "told the holder, which is at work"
    assert wire.calls("SendTaskSuccess") == []
    assert world.state.signal


def test_a_machine_that_parks_while_the_alarm_is_handled_is_woken(
    world: World, wire: Wire, faults: Faults
) -> None:
    wire.always("SendTaskSuccess")
    world.targets.watch(ALARM_ARN, watches())
    for call in range(4):
        world.given(a_state(a_rollout(position=0)))
        wire.asked.clear()

        def park() -> None:
            if world.state.signal is None:
                world.given(world.state.model_copy(update=PARKED))

        with faults.meanwhile(call, park):
            handle(world)

        told = world.state.signal is not None
        parked = bool(world.state.token)
        assert told
        assert bool(wire.calls("SendTaskSuccess")) is parked, f"parked at call {call}"


def test_a_wake_up_that_came_too_late_is_no_failure(baking: World, wire: Wire) -> None:
    wire.refuse("SendTaskSuccess", "TaskTimedOut")

    assert handle(baking) == "told the holder, which has just been woken"
    assert baking.state.signal


def test_after_the_rollout_a_rollback_is_owed_and_reconcile_asked(world: World, wire: Wire) -> None:
    world.given(a_state(live=CANARY, last_good=(CANARY, STABLE)))
    world.targets.watch(ALARM_ARN, watches())
    wire.always("Invoke", StatusCode=202)

    assert handle(world) == "a rollback of endpoint/churn is owed"

    (asked,) = wire.calls("Invoke")
    assert asked == {"target": TARGET, "at": "2026-05-03T14:05:00.000Z"}
    owed = world.state.rollback_owed
    assert owed
    assert (owed.release, owed.blames) == (CANARY.release, False)


def test_asking_reconcile_fails_and_the_rollback_stays_owed(world: World, wire: Wire) -> None:
    world.given(a_state(live=CANARY))
    world.targets.watch(ALARM_ARN, watches())
    wire.refuse("Invoke", "AccessDeniedException")

    with pytest.raises(Exception, match="AccessDenied"):
        handle(world)

    assert world.state.rollback_owed


@pytest.mark.parametrize(
    ("event", "watched", "answer"),
    [
        pytest.param("cloudwatch_alarm_muted", watches(), "MUTED", id="in maintenance"),
        pytest.param("cloudwatch_alarm_single_metric", watches(STABLE), "STABLE", id="on stable"),
        pytest.param(
            "cloudwatch_alarm_single_metric", watches(OLD), "NOT_SERVING", id="on what is gone"
        ),
    ],
)
def test_an_alarm_that_is_ignored_stands_in_the_history_once_however_often_it_flaps(
    world: World, wire: Wire, event: str, watched: Any, answer: str
) -> None:
    world.given(a_state(a_rollout(position=0), **PARKED))
    world.targets.watch(ALARM_ARN, watched)

    for _ in range(5):
        assert handle(world, an_event(event)).startswith(answer)

    (entry,) = world.targets.history(TARGET)
    assert entry.event == "AlarmIgnored"
    assert entry.reason.startswith(answer)
    assert (world.state.signal, world.state.rollback_owed) == (None, None)
    assert wire.calls("SendTaskSuccess", "Invoke") == []


@pytest.mark.parametrize("event", ["cloudwatch_alarm_single_metric", "cloudwatch_alarm_composite"])
def test_an_alarm_of_somebody_else_changes_nothing(world: World, wire: Wire, event: str) -> None:
    before = world.given(a_state(a_rollout(position=0), **PARKED))

    assert handle(world, an_event(event)).startswith("UNKNOWN_ALARM")

    assert world.state == before
    assert wire.calls("SendTaskSuccess", "Invoke") == []


@pytest.mark.parametrize("event", ["cloudwatch_alarm_metric_math", "cloudwatch_alarm_composite"])
def test_an_alarm_of_any_kind_is_known_by_its_arn(baking: World, event: str) -> None:
    fired = an_event(event)
    baking.targets.watch(fired["resources"][0], watches())

    assert handle(baking, fired) == "woke the holder"


def test_an_alarm_for_a_target_that_is_gone_is_left_alone(world: World) -> None:
    world.targets.watch(ALARM_ARN, watches())

    assert handle(world).startswith("UNKNOWN_TARGET")
    assert world.targets.read(TARGET) is None
