"""`reconcile_target`: who holds the target, and who takes over from a holder that ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.errors import DisplacedError
from sluice.domain.patience import DRAIN
from sluice.domain.rollout import Action, Outcome, Phase
from sluice.domain.succession import LEAP, MOST_SUCCESSORS
from sluice.events.tasks import dump_rollout
from tests.builders import AT, EXECUTION, STABLE, TARGET, a_rollout, a_state, a_wanted
from tests.integration.reconciling import ENDED, TICK, changed, reconcile, tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World


AN_HOUR_AHEAD = {"time": (AT + timedelta(hours=1)).isoformat()}
HASTY = [
    pytest.param({**changed(4), **AN_HOUR_AHEAD}, id="an approval"),
    pytest.param({**ENDED, **AN_HOUR_AHEAD}, id="an end"),
    pytest.param({"target": TARGET, "at": AN_HOUR_AHEAD["time"]}, id="an alarm"),
]


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    """An endpoint that serves."""
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)


# The lease.


def test_a_crash_before_the_start_is_healed_with_the_same_name_and_input(
    world: World, faults: Faults
) -> None:
    world.given_versions(1)
    refused = faults.refusing("StartExecution", "StateMachineDoesNotExist")
    with refused, pytest.raises(Exception, match="StateMachineDoesNotExist"):
        reconcile(world, changed(1))
    assert (world.state.holder, world.executions()) == ("churn-g1-e1", {})

    reconcile(world, TICK)

    assert world.executions() == {"churn-g1-e1": "RUNNING"}
    assert world.state.epoch == 1
    rollout = world.state.rollout
    assert rollout
    assert world.input_of("churn-g1-e1") == rollout.model_dump(mode="json", exclude_none=True)


def test_a_lost_reply_to_the_start_starts_nothing_twice(world: World, faults: Faults) -> None:
    world.given_versions(1)

    with faults.lost_reply("StartExecution"):
        reconcile(world, changed(1))
    reconcile(world, TICK)

    assert world.executions() == {"churn-g1-e1": "RUNNING"}


@pytest.fixture
def abandoned(world: World) -> World:
    """Version 4 has 10 %; the execution that holds the target has ended without a word."""
    world.given_versions(1, 2, 3, 4, status="PendingManualApproval")
    world.given(a_state(a_rollout(position=0), token="t-1", parked_at=AT))
    world.given_endpoint("churn-v3-v4-e5-both", v3_e3=90, v4_e5=10)
    world.start(EXECUTION)
    world.stop(EXECUTION)
    return world


def test_only_the_schedule_replaces_a_holder_that_ended(abandoned: World) -> None:
    (answer,) = reconcile(abandoned, ENDED)

    assert answer == f"{EXECUTION} is to be replaced; the schedule does it"
    assert abandoned.state.holder == EXECUTION

    reconcile(abandoned, tick())
    assert abandoned.state.holder == "churn-g1-e6"
    assert (abandoned.state.displaced, abandoned.state.token) == (EXECUTION, "")


def test_a_successor_starts_when_the_drain_is_over_and_no_sooner(abandoned: World) -> None:
    reconcile(abandoned, tick())
    for early in (timedelta(0), DRAIN - timedelta(milliseconds=1)):
        (answer,) = reconcile(abandoned, tick(early))
        assert "draining until" in answer
        assert abandoned.executions() == {EXECUTION: "ABORTED"}

    reconcile(abandoned, tick(DRAIN))

    assert abandoned.executions() == {EXECUTION: "ABORTED", "churn-g1-e6": "RUNNING"}
    given = abandoned.input_of("churn-g1-e6")
    assert (given["action"], given["epoch"]) == (Action.ROLL_BACK, 6)
    assert given["release"]["variant"] == "v4-e5"


@pytest.mark.parametrize("event", HASTY)
def test_no_drain_ends_by_an_events_clock(abandoned: World, event: dict[str, Any]) -> None:
    reconcile(abandoned, tick())

    (answer,) = reconcile(abandoned, event)
    assert "draining until" in answer
    assert abandoned.executions() == {EXECUTION: "ABORTED"}

    reconcile(abandoned, tick(DRAIN))
    assert abandoned.executions()["churn-g1-e6"] == "RUNNING"


@pytest.mark.parametrize("event", HASTY)
def test_what_is_decided_anew_after_a_drain_waits_for_the_schedule_too(
    world: World, event: dict[str, Any]
) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(displaced=EXECUTION, drain_until=AT + DRAIN, wanted=a_wanted(4)))

    (answer,) = reconcile(world, event)
    assert "draining until" in answer
    assert world.executions() == {}

    reconcile(world, tick(DRAIN))
    assert list(world.executions().values()) == ["RUNNING"]


@pytest.mark.parametrize("status", ["Updating", "SystemUpdating", "RollingBack"])
def test_a_successor_does_not_start_while_sagemaker_works_on_the_endpoint(
    abandoned: World, status: str
) -> None:
    reconcile(abandoned, tick())
    abandoned.endpoint_becomes(status)

    (answer,) = reconcile(abandoned, tick(DRAIN))
    assert answer.endswith(f"churn is {status}; churn-g1-e6 waits")
    assert "churn-g1-e6" not in abandoned.executions()

    abandoned.endpoint_becomes("InService")
    reconcile(abandoned, tick(2 * DRAIN))
    assert abandoned.executions()["churn-g1-e6"] == "RUNNING"


def test_the_displaced_execution_is_stopped_even_after_a_crash_in_between(
    abandoned: World, wire: Wire
) -> None:
    wire.refuse("StopExecution", "AccessDeniedException")
    with pytest.raises(ExceptionGroup):
        reconcile(abandoned, tick())
    wire.asked.clear()

    reconcile(abandoned, tick(timedelta(seconds=1)))

    (asked,) = wire.calls("StopExecution")
    assert asked["executionArn"].endswith(f":{EXECUTION}")


def test_a_displaced_task_that_wakes_late_makes_no_traffic_call(
    abandoned: World, wire: Wire
) -> None:
    reconcile(abandoned, tick())
    late = a_rollout(position=1, action=Action.SHIFT)
    event = {"rollout": dump_rollout(late), "at": "2026-05-03T14:01:00.000Z"}
    wire.asked.clear()

    with pytest.raises(DisplacedError):
        abandoned.call("shift_traffic", event)

    assert {name for name, _ in wire.asked} == {"GetItem"}
    assert abandoned.traffic() == {"v3-e3": 90.0, "v4-e5": 10.0}


def test_a_promoted_rollout_whose_holder_ended_stands_by_again(world: World) -> None:
    promoted = a_rollout(position=1, promoted=True, outcome=Outcome.PROMOTED)
    world.given(a_state(promoted, live=promoted.release))
    world.start(EXECUTION)
    world.stop(EXECUTION)

    reconcile(world, tick())
    reconcile(world, tick(DRAIN))

    assert world.input_of("churn-g1-e6")["action"] == "Promote"


def test_holders_that_all_end_are_not_replaced_for_ever(
    abandoned: World, told: Callable[[], list[str]]
) -> None:
    for number in range(2 * MOST_SUCCESSORS + 6):
        reconcile(abandoned, tick(number * DRAIN))
        for name, status in abandoned.executions().items():
            if status == "RUNNING":
                abandoned.stop(name)

    assert len(abandoned.executions()) == 1 + MOST_SUCCESSORS
    assert (abandoned.state.holder, abandoned.state.phase) == ("", Phase.HALTED)
    (message,) = told()
    assert message.startswith("endpoint/churn is halted")


@pytest.mark.parametrize("ended", [True, False])
def test_a_ledger_restored_from_a_backup_starts_under_names_nobody_has_used(
    world: World, ended: bool
) -> None:
    """Its next epoch was lived through once before: that execution is not ours."""
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(wanted=a_wanted(4)))
    past = a_rollout(claimed_at=AT - timedelta(days=1))
    world.start(EXECUTION, past.model_dump_json(exclude_none=True))
    if ended:
        world.stop(EXECUTION)

    reconcile(world, tick())
    assert (world.state.generation, world.state.holder) == (2, "")
    assert world.executions() == {EXECUTION: "ABORTED"}, "it would act on a target it lost"
    reconcile(world, tick(DRAIN))

    assert world.state.holder == f"churn-g2-e{6 + LEAP}"
    assert world.executions()[world.state.holder] == "RUNNING"
    assert world.input_of(world.state.holder)["release"]["variant"] == f"v4-e{6 + LEAP}"


def test_a_restored_ledger_does_not_take_the_end_of_another_lease_for_its_own(
    world: World,
) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(a_rollout(claimed_at=AT), wanted=a_wanted(4)))
    past = a_rollout(claimed_at=AT - timedelta(days=1))
    world.start(EXECUTION, past.model_dump_json(exclude_none=True))
    world.stop(EXECUTION)

    reconcile(world, ENDED)
    assert world.state.generation == 1, "the drain that follows begins by the schedule's clock"
    reconcile(world, tick())

    assert (world.state.generation, world.state.holder) == (2, "")
    assert "HolderReplaced" not in world.history()


def test_two_reconcilers_at_once_start_one_rollout(world: World, faults: Faults) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(wanted=a_wanted(4)))
    with faults.recorded() as operations:
        reconcile(world, {"target": "endpoint/other", "at": "2026-05-03T14:00:00.000Z"})
    assert operations == ["GetItem"]

    for call in range(8):
        world.given(a_state(wanted=a_wanted(4)))
        with faults.meanwhile(call, lambda: reconcile(world, ENDED)):
            reconcile(world, ENDED)

        assert list(world.executions()) == ["churn-g1-e5"], f"interrupted at call {call}"
        assert (world.state.epoch, world.state.holder) == (5, "churn-g1-e5")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"target": "endpoint/other", "at": "2026-05-03T14:00:00.000Z"}, id="unknown"),
    ],
)
def test_a_target_nobody_approved_for_is_left_alone(world: World, event: dict[str, Any]) -> None:
    assert reconcile(world, event) == ["no approval has named this target yet"]
    assert world.targets.known() == ()
