"""The table of rollbacks, its rows on alarms that count for nothing, or not again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Kind
from tests.builders import AT, CANARY, EXECUTION, STABLE, TARGET, a_wanted, after
from tests.integration.drills import MINUTE, OLD, WHOLE, Drill, at_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World


@pytest.fixture
def drill(world: World, wire: Wire, told: Callable[[], list[str]]) -> Drill:
    """Versions 1 to 4 are approved, the schedule knows; nothing else is given yet."""
    return Drill(world, wire, told)


# Alarm in a maintenance mute, for a version no longer serving, or in ALARM before the rollout.


def test_alarm_in_a_maintenance_mute(drill: Drill) -> None:
    drill.bakes()
    name = drill.watched(CANARY, "ALARM")
    drill.world.mutes.active.add(name)

    drill.fires(name)
    drill.watch(5)
    drill.watch(6)

    assert drill.woken() == [], "neither taken back nor given more"
    (reason,) = drill.said()
    assert reason.startswith("MUTED")


def test_an_alarm_still_firing_when_the_mute_ends_is_seen_by_the_next_look(drill: Drill) -> None:
    drill.bakes()
    name = drill.watched(CANARY, "ALARM")
    drill.world.mutes.active.add(name)
    drill.watch(5)

    drill.world.mutes.active.clear()
    drill.watch(6)

    assert (drill.woken()[0].action, drill.woken()[0].blames) == ("RollBack", True)


def test_an_alarm_still_firing_when_the_mute_ends_is_seen_by_the_schedule(drill: Drill) -> None:
    name = at_rest(drill)
    drill.watched(STABLE, "ALARM")
    drill.world.mutes.active.add(name)
    drill.fires(name)
    drill.tick(5)
    drill.tick(10)
    assert drill.world.state.rollback_owed is None
    assert len(drill.said()) == 1

    drill.world.mutes.active.clear()
    drill.tick(15)

    assert drill.world.history()[-2:] == ["AlarmFired", "RolloutStarted"]


def test_mutes_that_cannot_be_read_mute_nothing(drill: Drill, faults: Faults) -> None:
    drill.bakes()
    drill.world.mutes.active.add(drill.watched(CANARY, "ALARM"))

    with faults.refusing("ListAlarmMuteRules", "AccessDenied"):
        drill.watch(1)

    assert drill.woken()[0].action == "RollBack"
    assert len(drill.said("AlarmsUnread")) == 1


def test_alarm_for_a_version_no_longer_serving(drill: Drill) -> None:
    at_rest(drill)
    name = drill.watched(OLD, "ALARM")

    for _ in range(3):
        drill.fires(name)
    drill.tick(6)

    (reason,) = drill.said()
    assert reason.startswith("NOT_SERVING")
    assert drill.executions() == set()


def test_alarm_already_in_alarm_before_the_rollout_is_held_against_nobody_until_it_was_ok(
    drill: Drill,
) -> None:
    drill.bakes(watch=(WHOLE,))
    name = drill.watched_whole("ALARM")
    drill.world.given(drill.world.state.model_copy(update={"disarmed": {name: AT}}))

    assert drill.fires(name, before="INSUFFICIENT_DATA").startswith("ALREADY_FIRING")
    assert drill.watch(4) == {}
    assert drill.watch(5)[TARGET].startswith("Shift"), "a sick old version blocks no fix"

    drill.watched_whole("OK")
    drill.watch(6)
    drill.watched_whole("ALARM")
    assert drill.watch(7)[TARGET].startswith("RollBack")


def test_an_alarm_that_was_ok_for_less_than_a_look_is_heard_by_its_event(drill: Drill) -> None:
    drill.bakes(watch=(WHOLE,))
    name = drill.watched_whole("ALARM")
    drill.world.given(drill.world.state.model_copy(update={"disarmed": {name: AT}}))

    assert drill.fires(name, before="OK") == "woke the holder"


# Alarm state cannot be read: no weight increase until it can.


@pytest.mark.parametrize("code", ["AccessDenied", "ThrottlingException", "InternalServiceFault"])
def test_alarm_state_cannot_be_read(drill: Drill, faults: Faults, code: str) -> None:
    drill.bakes()

    with faults.refusing("DescribeAlarms", code):
        assert drill.watch(5) == {}
        assert drill.watch(6) == {}
    assert len(drill.said("AlarmsUnread")) == 1
    assert drill.weight_changes() == []

    assert drill.watch(7)[TARGET].startswith("Shift")


@pytest.mark.parametrize("state", [None, "INSUFFICIENT_DATA"])
def test_an_alarm_that_is_missing_or_knows_nothing_adds_no_weight(
    drill: Drill, state: str | None
) -> None:
    drill.bakes(watch=(WHOLE,))
    if state:
        drill.watched_whole(state)

    assert drill.watch(5) == {}
    assert len(drill.said("AlarmsUnread")) == (0 if state else 1)

    drill.watched_whole("OK")
    assert drill.watch(6)[TARGET].startswith("Shift")


def test_alarms_that_cannot_be_read_keep_no_signal_from_being_heard(
    drill: Drill, faults: Faults
) -> None:
    drill.bakes()
    drill.fires(drill.watched(CANARY, "ALARM"))

    with faults.refusing("DescribeAlarms", "AccessDenied"):
        drill.watch(1)

    assert [one.action for one in drill.woken()] == ["RollBack", "RollBack"]


# One rollback per target and version, whatever the alarms do.


def test_an_alarm_storm_rolls_back_once(drill: Drill) -> None:
    name = at_rest(drill)
    for minute in range(5, 15):
        before = ("OK", "INSUFFICIENT_DATA")[minute % 2]
        drill.fires(name, before=before, at=after(minute * MINUTE))
        drill.tick(minute)

    assert drill.executions() == {"churn-g1-e5"}
    assert drill.world.history().count("AlarmFired") == 1


def test_an_alarm_told_twice_by_a_clock_an_hour_ahead_is_heard_once(drill: Drill) -> None:
    """It ended a canary; its event comes again when the release before it serves, alone."""
    drill.bakes(watch=(WHOLE,))
    name = drill.watched_whole("ALARM")
    watching = STABLE.model_copy(update={"watch": (WHOLE,)})
    drill.world.given(drill.world.state.model_copy(update={"live": watching}))
    drill.fires(name, at=after(65 * MINUTE))
    drill.takes_back()
    free = {"holder": "", "rollout": None, "token": ""}
    drill.world.given(drill.world.state.model_copy(update=free))

    assert drill.fires(name, at=after(65 * MINUTE)).startswith("ALREADY_FIRING")
    assert drill.world.state.rollback_owed is None


def test_a_canary_that_flaps_is_taken_back_once_and_never_comes_back_by_itself(
    drill: Drill,
) -> None:
    drill.bakes()
    name = drill.watched(CANARY, "ALARM")
    for before in ("OK", "INSUFFICIENT_DATA", "OK"):
        drill.fires(name, before=before)
    drill.takes_back()
    for before in ("OK", "INSUFFICIENT_DATA"):
        drill.fires(name, before=before)
    drill.tick(20)

    assert drill.world.history().count("AlarmFired") == 1
    assert len(drill.weight_changes()) == 1
    assert drill.executions() == {EXECUTION}


# A rollback may be restricted to a window after promotion.


@pytest.mark.parametrize(("hour", "rolled_back"), [(23, True), (25, False)])
def test_the_auto_rollback_window_after_promotion(
    drill: Drill, hour: int, *, rolled_back: bool
) -> None:
    live = STABLE.model_copy(update={"auto_rollback_seconds": 24 * 3600})
    name = at_rest(drill, live, live_since=AT)

    drill.fires(name, at=after(hour * 60 * MINUTE))

    assert (drill.world.state.rollback_owed is not None) is rolled_back
    assert [one.split(":")[0] for one in drill.said()] == ([] if rolled_back else ["TOO_LATE"])


def test_a_target_that_wants_another_release_takes_it_instead_of_a_second_rollback(
    drill: Drill,
) -> None:
    name = at_rest(drill, rolled_back_at=AT, wanted=a_wanted(4))
    drill.fires(name)

    drill.tick(6)

    state = drill.world.state
    assert state.rollout
    assert (state.rollout.kind, str(state.rollout.release.release)) == (Kind.CANARY, "churn-v4")
