"""`reconcile_target`: an event in; the ledger, the registry and the executions out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.errors import DisplacedError
from sluice.domain.patience import DRAIN
from sluice.domain.rollout import Action, Kind, Outcome, Phase
from sluice.domain.succession import LEAP, MOST_SUCCESSORS
from sluice.domain.target import Cause, Leftover
from sluice.events.tasks import dump_rollout
from tests.builders import (
    AT,
    EXECUTION,
    STABLE,
    TARGET,
    a_package_arn,
    a_release,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
    an_event,
    deployed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.domain.release import Release
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

APPROVED = an_event("sagemaker_model_package_approved")
ENDED = an_event("states_execution_ended")
TICK = an_event("events_scheduled")
OLD = deployed(2, epoch=2)
WATCHED = deployed(3, epoch=3, alarms=("sluice-churn-v3-e3-errors",))


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    """An endpoint that serves; what is to become of one that does not is asked further below."""
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)


def changed(version: int, group: str = "churn") -> dict[str, Any]:
    """SageMaker tells that a package changed; what of it, the handler reads itself."""
    event: dict[str, Any] = json.loads(json.dumps(APPROVED))
    event["detail"]["ModelPackageArn"] = a_package_arn(version, group)
    event["detail"]["ModelApprovalStatus"] = "Approved"
    return event


def reconcile(world: World, event: dict[str, Any]) -> list[str]:
    answers: list[str] = world.call("reconcile_target", event)["answers"]
    return answers


def tick(after: timedelta = timedelta(0)) -> dict[str, Any]:
    """The schedule asks, that long after `AT`."""
    return {**TICK, "time": (AT + after).isoformat()}


def release_of(world: World, version: int) -> Release:
    item = world.table.get("RELEASE#churn", f"V#{version:06d}")
    assert item
    return a_release(f"churn-v{version}", **{k: v for k, v in item.items() if k != "name"})


# Approvals.


def test_the_first_approval_starts_the_first_deployment(
    world: World, told: Callable[[], list[str]]
) -> None:
    world.given_versions(1)

    assert reconcile(world, changed(1)) == ["started churn-g1-e1"]

    state = world.state
    assert (state.owner, state.epoch, state.holder) == ("churn", 1, "churn-g1-e1")
    assert (state.phase, state.live) == (Phase.STARTING, None)
    assert world.executions() == {"churn-g1-e1": "RUNNING"}
    given = world.input_of("churn-g1-e1")
    assert (given["kind"], given["release"]["variant"]) == ("AllAtOnce", "v1-e1")
    assert world.history() == ["Approved", "RolloutStarted"]
    assert [kind for kind, _ in world.announced()] == ["RolloutStarted"]
    assert world.targets.in_flight() == (TARGET,)


def test_the_event_is_a_hint_the_registry_is_the_truth(world: World) -> None:
    """A forged or late event says Approved; the package is not."""
    world.given_versions(1, status="PendingManualApproval")

    reconcile(world, changed(1))

    assert world.executions() == {}
    assert world.targets.read(TARGET) is None


def test_an_approval_told_five_times_is_one(world: World) -> None:
    world.given_versions(1)

    for _ in range(5):
        reconcile(world, changed(1))

    assert world.executions() == {"churn-g1-e1": "RUNNING"}
    assert (world.state.approval_seq, world.state.epoch) == (1, 1)
    assert world.history() == ["Approved", "RolloutStarted"]


def test_an_approval_told_twice_at_once_is_one(world: World, faults: Faults) -> None:
    for call in range(12):
        version = call + 1
        world.given_versions(version)
        world.given(a_state(live=None, last_good=(), approval_seq=0, epoch=10 * version))
        event = changed(version)

        with faults.meanwhile(call, lambda event=event: reconcile(world, event)):
            reconcile(world, event)

        assert world.history()[-2:] == ["Approved", "RolloutStarted"], f"interrupted at {call}"
        assert (world.state.approval_seq, world.state.epoch) == (1, 10 * version + 1)


def test_the_time_is_the_events(world: World) -> None:
    world.given_versions(1)

    reconcile(world, changed(1))

    assert {entry.at for entry in world.targets.history(TARGET)} == {AT}


def test_an_approval_during_a_rollout_waits_for_its_end(world: World) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(a_rollout(), token="t-1", phase=Phase.BAKING))
    world.start(EXECUTION)
    arn = world.given_release(a_release("churn-v5"))

    reconcile(world, changed(5))

    assert world.executions() == {EXECUTION: "RUNNING"}
    assert world.state.wanted
    assert world.state.wanted.package_arn == arn


def test_the_end_of_a_rollout_starts_what_waited(world: World) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(wanted=a_wanted(4)))

    assert reconcile(world, ENDED) == ["started churn-g1-e5"]

    given = world.input_of("churn-g1-e5")
    assert (given["kind"], given["stable"]["variant"]) == ("Canary", "v3-e3")


def test_an_approval_for_a_target_of_another_group_is_refused(world: World) -> None:
    world.given_versions(1)
    reconcile(world, changed(1))
    world.given_release(a_release("fraud-v1", target="churn"))

    (answer,) = reconcile(world, changed(1, "fraud"))

    assert answer.startswith("TARGET_NOT_OWNED")
    assert world.executions() == {"churn-g1-e1": "RUNNING"}


def test_a_package_that_is_none_of_ours_is_left_alone(world: World) -> None:
    sagemaker = world.aws("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    sagemaker.create_model_package(ModelPackageGroupName="churn", ModelApprovalStatus="Approved")

    assert reconcile(world, changed(1)) == [f"{a_package_arn(1)} is no release of ours"]
    assert world.executions() == {}


def test_a_package_that_claims_to_be_a_release_of_ours_is_not_believed(world: World) -> None:
    world.given_versions(1)
    forged = world.aws("sagemaker").create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"version-folder": "models/churn-v1"},
    )["ModelPackageArn"]

    assert reconcile(world, changed(2)) == [f"{forged} is no release of ours"]


# Rejections.


def test_a_rejection_before_the_start_withdraws_the_approval(world: World) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(a_rollout(id="churn-g1-e4"), holder="churn-g1-e4", wanted=None))
    world.start("churn-g1-e4")
    arn = world.given_release(a_release("churn-v5"))
    reconcile(world, changed(5))

    world.decide(arn, "Rejected")
    reconcile(world, changed(5))

    assert world.state.wanted is None


def test_a_rejection_of_the_canary_wakes_its_rollout(world: World, wire: Wire) -> None:
    world.given_versions(1, 2, 3, 4)
    reconcile(world, changed(4))
    world.given(a_state(a_rollout(position=0), token="t-1", parked_at=AT, phase=Phase.BAKING))
    world.start(EXECUTION)
    wire.always("SendTaskSuccess")

    world.decide(a_package_arn(4), "Rejected")
    (answer,) = reconcile(world, changed(4))

    assert answer.startswith(f"woke {EXECUTION}: rejected by")
    (sent,) = wire.calls("SendTaskSuccess")
    assert sent["taskToken"] == "t-1"
    woken = json.loads(sent["output"])
    assert (woken["action"], woken["blames"]) == ("RollBack", False)
    assert world.state.signal
    assert world.state.signal.cause is Cause.REJECTION


def test_a_rejection_of_what_is_live_rolls_back(world: World) -> None:
    world.given_versions(1, 2, 3)
    reconcile(world, changed(3))
    world.given(a_state(last_good=(STABLE, OLD)))

    world.decide(a_package_arn(3), "Rejected")
    assert reconcile(world, changed(3)) == ["started churn-g1-e5"]

    given = world.input_of("churn-g1-e5")
    assert (given["kind"], given["release"]["variant"]) == ("RollBack", "v2-e5")


def test_with_no_way_back_people_are_called_once(
    world: World, told: Callable[[], list[str]]
) -> None:
    world.given_versions(1, 2, 3)
    world.given(a_state(rollback_owed=a_signal(3)))

    for _ in range(3):
        reconcile(world, {"target": TARGET, "at": "2026-05-03T14:00:00.000Z"})

    assert world.state.phase is Phase.HALTED
    assert world.executions() == {}
    assert [kind for kind, _ in world.announced()] == ["TargetHalted"]
    (message,) = told()
    assert message.startswith("endpoint/churn is halted: alarm errors: 0.5")
    assert world.history() == ["Halted"]


# The schedule does alone what events do.


def test_the_schedule_finds_an_approval_nobody_told_of(world: World) -> None:
    world.given_versions(1)

    reconcile(world, TICK)

    assert world.executions() == {"churn-g1-e1": "RUNNING"}


def test_of_several_approvals_found_at_once_the_highest_version_is_wanted(world: World) -> None:
    world.given_versions(1, 2, 3)

    reconcile(world, TICK)

    assert world.input_of("churn-g1-e1")["release"]["variant"] == "v3-e1"
    assert world.history()[-1] == "RolloutStarted"
    superseded = [e for e in world.targets.history(TARGET) if e.event == "Superseded"]
    assert [str(entry.release) for entry in superseded] == ["churn-v1", "churn-v2"]


def test_the_schedule_finds_a_rejection_nobody_told_of(world: World) -> None:
    world.given_versions(1, 2, 3)
    reconcile(world, TICK)
    world.given(a_state(last_good=(STABLE, OLD)))

    world.decide(a_package_arn(3), "Rejected")
    reconcile(world, TICK)

    assert world.input_of("churn-g1-e5")["release"]["variant"] == "v2-e5"


def test_ticks_change_nothing_where_nothing_changed(world: World, faults: Faults) -> None:
    world.given_versions(1, 2, 3)
    reconcile(world, TICK)
    world.given_alarm(STABLE, name=STABLE.alarms[0])
    world.given(a_state(last_good=(STABLE,)))
    before = world.state

    with faults.recorded() as operations:
        reconcile(world, TICK)

    assert world.state == before
    assert not {one for one in operations if one.startswith(("Put", "Update", "Start", "Trans"))}


def test_one_target_in_trouble_does_not_keep_the_others_waiting(world: World) -> None:
    world.given_versions(1)
    broken = a_state(target="endpoint/aaa", live=STABLE)
    world.given(broken.model_copy(update={"last_good": (deployed(9, epoch=1),)}))
    item = world.table.get("TARGET#endpoint/aaa", "STATE")
    world.table.write(world.table.put({**(item or {}), "phase": "Unheard"}))

    with pytest.raises(ExceptionGroup):
        reconcile(world, TICK)

    assert world.executions() == {"churn-g1-e1": "RUNNING"}


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

    assert answer == f"{EXECUTION} has ended; the schedule replaces it"
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


def test_an_event_after_the_drain_starts_the_successor_as_well(abandoned: World) -> None:
    reconcile(abandoned, tick())

    reconcile(abandoned, {"target": TARGET, "at": (AT + DRAIN).isoformat()})

    assert abandoned.executions()["churn-g1-e6"] == "RUNNING"


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


# What no event told of.


@pytest.fixture
def at_rest(world: World) -> World:
    """Version 3 serves, version 2 served well before; the schedule has seen all approvals."""
    world.given_versions(1, 2, 3)
    reconcile(world, TICK)
    world.given(a_state(last_good=(OLD,), live=WATCHED))
    return world


def test_an_alarm_of_what_serves_is_noticed_by_the_schedule(at_rest: World) -> None:
    at_rest.given_alarm(WATCHED, "ALARM", name=WATCHED.alarms[0])

    reconcile(at_rest, TICK)

    assert at_rest.history()[-2:] == ["AlarmFired", "RolloutStarted"]
    rollout = at_rest.state.rollout
    assert rollout
    assert (rollout.kind, str(rollout.release.release)) == (Kind.ROLL_BACK, "churn-v2")


def test_a_target_at_rest_costs_the_schedule_two_reads(at_rest: World, faults: Faults) -> None:
    """The registry is asked by group, the alarms all at once: only the ledger's reads grow."""
    at_rest.given_alarm(WATCHED, "OK", name=WATCHED.alarms[0])

    with faults.recorded() as operations:
        reconcile(at_rest, TICK)

    assert operations.count("DescribeModelPackage") == 0
    assert operations.count("GetItem") == 2
    assert operations.count("DescribeAlarms") == 2  # their states, and whether any is orphaned
    assert (operations.count("ListEndpoints"), operations.count("DescribeEndpoint")) == (1, 0)


# An endpoint that is not as it was left.


@pytest.mark.parametrize("status", ["Failed", None], ids=["Failed", "deleted by hand"])
def test_a_lost_endpoint_is_put_up_again_once_by_the_schedule(
    at_rest: World, status: str | None
) -> None:
    if status:
        at_rest.endpoint_becomes(status)
    else:
        at_rest.aws("sagemaker").delete_endpoint(EndpointName="churn")
    reconcile(at_rest, {"target": TARGET, "at": AT.isoformat()})
    assert at_rest.executions() == {"churn-g1-e1": "RUNNING"}, "no event does it"

    reconcile(at_rest, tick())
    first = at_rest.state.holder
    assert at_rest.input_of(first)["kind"] == "RollBack"
    assert at_rest.history()[-1] == "RolloutStarted"
    at_rest.given(at_rest.state.model_copy(update={"holder": "", "rollout": None}))
    for _ in range(3):
        reconcile(at_rest, tick(DRAIN))

    assert (at_rest.state.holder, at_rest.state.phase) == ("", Phase.HALTED)
    assert [kind for kind, _ in at_rest.announced()].count("TargetHalted") == 1


@pytest.mark.parametrize("status", ["UpdateRollbackFailed", "OutOfService"])
def test_a_mix_of_fleets_is_put_on_the_good_configuration_again(
    at_rest: World, status: str
) -> None:
    at_rest.endpoint_becomes(status)

    reconcile(at_rest, tick())

    given = at_rest.input_of(at_rest.state.holder)
    assert (given["action"], given["settle_config"]) == ("Settle", WATCHED.endpoint_config)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_an_endpoint_that_sagemaker_works_on_is_left_alone(at_rest: World, status: str) -> None:
    at_rest.endpoint_becomes(status)
    at_rest.given_alarm(WATCHED, name=WATCHED.alarms[0])
    before = at_rest.state

    reconcile(at_rest, tick())

    assert at_rest.state == before


def test_a_list_that_lags_behind_mends_nothing(at_rest: World, wire: Wire) -> None:
    wire.once("ListEndpoints", Endpoints=[])
    at_rest.given_alarm(WATCHED, name=WATCHED.alarms[0])
    before = at_rest.state

    reconcile(at_rest, tick())

    assert at_rest.state == before


def test_a_variant_that_could_not_be_dropped_is_dropped_when_the_target_is_idle(
    at_rest: World,
) -> None:
    owed = Leftover(variants=("v2-e2",), attempts=0, not_before=AT)
    at_rest.given(at_rest.state.model_copy(update={"settle_owed": owed}))

    reconcile(at_rest, tick())

    given = at_rest.input_of(at_rest.state.holder)
    assert (given["kind"], given["action"]) == ("Settle", "Settle")


# A package that was deleted.


def test_what_serves_goes_on_serving_without_its_package_and_is_flagged_once(
    at_rest: World, wire: Wire
) -> None:
    wire.deletes_package(a_package_arn(3))

    for _ in range(3):
        reconcile(at_rest, tick())

    assert at_rest.history().count("PackageGone") == 1
    assert (at_rest.state.holder, at_rest.state.live) == ("", WATCHED)


def test_what_was_approved_and_then_deleted_is_not_deployed(world: World, wire: Wire) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(wanted=a_wanted(4)))
    wire.deletes_package(a_package_arn(4))

    (answer,) = reconcile(world, {"target": TARGET, "at": AT.isoformat()})

    assert answer.startswith("PACKAGE_GONE")
    assert (world.state.wanted, world.state.holder) == (None, "")
    assert world.history() == ["Aborted"]


def test_a_rollback_lands_on_the_next_good_release_where_a_package_is_gone(
    world: World, wire: Wire
) -> None:
    world.given_versions(1, 2, 3)
    older = deployed(1, epoch=1)
    world.given(a_state(last_good=(OLD, older), live=WATCHED, rollback_owed=a_signal(3)))
    wire.deletes_package(a_package_arn(2))

    reconcile(world, {"target": TARGET, "at": AT.isoformat()})

    assert world.input_of(world.state.holder)["release"]["variant"] == "v1-e5"


def test_a_rejection_of_a_release_whose_package_is_gone_does_not_stop_the_schedule(
    at_rest: World, wire: Wire
) -> None:
    for version in (1, 2, 3):
        wire.deletes_package(a_package_arn(version))

    reconcile(at_rest, tick())

    assert (at_rest.state.holder, at_rest.state.phase) == ("", Phase.IDLE)


def test_a_list_that_cannot_be_read_keeps_nothing_else_waiting(
    world: World, faults: Faults
) -> None:
    world.given_versions(1)

    refused = faults.refusing("ListEndpoints", "AccessDeniedException")
    with refused, pytest.raises(ExceptionGroup):
        reconcile(world, TICK)

    assert world.executions() == {"churn-g1-e1": "RUNNING"}
