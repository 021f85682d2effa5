"""Executions of the rollout machine, and the tokens they wait on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.executions import Executions, ExecutionStatus
from sluice.domain.rollout import Kind
from tests.builders import AT, EXECUTION, STABLE, a_rollout
from tests.integration.rollouts import MACHINE

if TYPE_CHECKING:
    from tests.integration.rollouts import Wire, World


@pytest.fixture
def executions(world: World) -> Executions:
    return Executions(world.aws("stepfunctions"), machine_arn=MACHINE)


def test_an_execution_is_called_and_given_what_it_carries_out(
    executions: Executions, world: World
) -> None:
    executions.start(a_rollout())

    assert world.executions() == {EXECUTION: "RUNNING"}
    assert world.input_of(EXECUTION) == a_rollout().model_dump(mode="json", exclude_none=True)


def test_starting_twice_starts_once(executions: Executions, world: World) -> None:
    assert executions.start(a_rollout()) is ExecutionStatus.RUNNING
    assert executions.start(a_rollout()) is ExecutionStatus.RUNNING

    assert world.executions() == {EXECUTION: "RUNNING"}


@pytest.mark.parametrize("changed", [{}, {"position": 1}], ids=["same input", "parked since"])
def test_an_execution_that_has_had_its_run_gets_no_other(
    executions: Executions, world: World, changed: dict[str, int]
) -> None:
    executions.start(a_rollout())
    world.stop(EXECUTION)

    assert executions.start(a_rollout(**changed)) is ExecutionStatus.ENDED

    assert world.executions() == {EXECUTION: "ABORTED"}


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"claimed_at": "2026-05-03T13:00:00Z"}, id="claimed at another time"),
        pytest.param({"kind": Kind.ROLL_BACK}, id="of another kind"),
        pytest.param({"release": STABLE}, id="of another release"),
    ],
)
def test_a_name_that_another_lease_has_used_is_taken(
    executions: Executions, world: World, changed: dict[str, Any], ended: bool
) -> None:
    """ExecutionAlreadyExists is no success: a restored ledger repeats names."""
    executions.start(a_rollout(**changed))
    if ended:
        world.stop(EXECUTION)

    assert executions.start(a_rollout(claimed_at=AT)) is ExecutionStatus.TAKEN


def test_an_execution_is_stopped_once_or_twice_or_never_was(
    executions: Executions, world: World
) -> None:
    executions.stop(EXECUTION)
    executions.start(a_rollout())
    executions.stop(EXECUTION)
    executions.stop(EXECUTION)

    assert world.executions() == {EXECUTION: "ABORTED"}


def test_any_other_refusal_to_start_is_raised(executions: Executions, wire: Wire) -> None:
    wire.refuse("StartExecution", "StateMachineDeleting")

    with pytest.raises(ClientError):
        executions.start(a_rollout())


def test_how_an_execution_stands(executions: Executions, world: World) -> None:
    assert executions.status(a_rollout()) is ExecutionStatus.UNKNOWN

    world.start(EXECUTION)
    assert executions.status(a_rollout()) is ExecutionStatus.RUNNING

    world.stop(EXECUTION)
    assert executions.status(a_rollout()) is ExecutionStatus.ENDED


@pytest.mark.parametrize(
    ("status", "stands"),
    [
        ("SUCCEEDED", ExecutionStatus.ENDED),
        ("FAILED", ExecutionStatus.ENDED),
        ("TIMED_OUT", ExecutionStatus.ENDED),
        ("ABORTED", ExecutionStatus.ENDED),
        ("PENDING_REDRIVE", ExecutionStatus.RUNNING),
    ],
)
def test_every_status_means_running_or_ended(
    executions: Executions, wire: Wire, status: str, stands: ExecutionStatus
) -> None:
    wire.once("DescribeExecution", status=status)

    assert executions.status(a_rollout()) is stands


def test_waking_hands_the_machine_the_whole_rollout(executions: Executions, wire: Wire) -> None:
    wire.always("SendTaskSuccess")

    assert executions.wake("t-1", a_rollout()) is True

    (sent,) = wire.calls("SendTaskSuccess")
    assert sent["taskToken"] == "t-1"
    assert json.loads(sent["output"]) == a_rollout().model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("gone", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_machine_that_waits_no_more_was_woken_by_somebody_else(
    executions: Executions, wire: Wire, gone: str
) -> None:
    wire.refuse("SendTaskSuccess", gone)

    assert executions.wake("t-1", a_rollout()) is False


def test_not_being_allowed_to_wake_is_raised(executions: Executions, wire: Wire) -> None:
    wire.refuse("SendTaskSuccess", "AccessDeniedException")

    with pytest.raises(ClientError):
        executions.wake("t-1", a_rollout())
