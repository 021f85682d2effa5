"""`reconcile_target`: the schedule finds alone what events tell, and what none told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.patience import DRAIN
from sluice.domain.rollout import Kind, Phase
from sluice.domain.target import Leftover
from tests.builders import AT, STABLE, TARGET, a_package_arn, a_signal, a_state, a_wanted, deployed
from tests.integration.reconciling import OLD, TICK, reconcile, tick

if TYPE_CHECKING:
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

WATCHED = deployed(3, epoch=3, alarms=("sluice-churn-v3-e3-errors",))


@pytest.fixture(autouse=True)
def in_service(world: World) -> None:
    """An endpoint that serves."""
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)


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
