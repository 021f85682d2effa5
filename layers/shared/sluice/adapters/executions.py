"""The rollout state machine's executions, and the tokens they wait on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from sluice.domain.rollout import Rollout


class ExecutionStatus(StrEnum):
    """An execution's status as far as a lease cares."""

    RUNNING = "Running"
    ENDED = "Ended"
    UNKNOWN = "Unknown"
    """There is no such execution: it was never started."""


class Executions:
    """Executions of one state machine, named after the rollout they carry out."""

    def __init__(self, client: SFNClient, *, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, rollout: Rollout) -> None:
        """Start the rollout's execution; safe to repeat.

        While it runs, StartExecution with the same name and input answers with the same execution.
        Once it closed, ExecutionAlreadyExists says that it has had its run: nothing to do either,
        the lease of a holder that ended is reconcile's to replace.
        """
        try:
            self._client.start_execution(
                stateMachineArn=self._machine_arn,
                name=rollout.id,
                input=rollout.model_dump_json(exclude_none=True),
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return

    def status(self, name: str) -> ExecutionStatus:
        """Whether the execution called `name` runs, has ended, or was never started."""
        arn = f"{self._machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            described = self._client.describe_execution(executionArn=arn)
        except self._client.exceptions.ExecutionDoesNotExist:
            return ExecutionStatus.UNKNOWN
        running = described["status"] in {"RUNNING", "PENDING_REDRIVE"}
        return ExecutionStatus.RUNNING if running else ExecutionStatus.ENDED

    def wake(self, token: str, rollout: Rollout) -> bool:
        """Resume the machine that parked `token`; False when it waits no more.

        A token is used once. That somebody else woke the machine first, or its wait timed out, is
        an expected end: what we know stands in the ledger, where the machine reads it next.
        """
        gone = (
            self._client.exceptions.TaskTimedOut,
            self._client.exceptions.TaskDoesNotExist,
            self._client.exceptions.InvalidToken,
        )
        output = rollout.model_dump_json(exclude_none=True)
        try:
            self._client.send_task_success(taskToken=token, output=output)
        except gone:
            return False
        return True
