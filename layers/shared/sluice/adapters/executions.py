"""The rollout state machine's executions, and the tokens they wait on."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_stepfunctions import SFNClient

    from sluice.domain.rollout import Rollout


class ExecutionStatus(StrEnum):
    """An execution's status as far as a lease cares."""

    RUNNING = "Running"
    ENDED = "Ended"
    UNKNOWN = "Unknown"
    """There is no such execution: it was never started."""
    TAKEN = "Taken"
    """An execution has that name which was started for another lease."""


class Executions:
    """Executions of one state machine, named after the rollout they carry out."""

    def __init__(self, client: SFNClient, *, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, rollout: Rollout) -> ExecutionStatus:
        """Start the rollout's execution, and say how it stands; safe to repeat.

        While it runs, StartExecution with the same name and input answers with the same execution.
        ExecutionAlreadyExists says only that the name is in use, for 90 days after its end: of
        what, DescribeExecution tells.
        """
        try:
            self._client.start_execution(
                stateMachineArn=self._machine_arn,
                name=rollout.id,
                input=rollout.model_dump_json(exclude_none=True),
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return self.status(rollout)
        return ExecutionStatus.RUNNING

    def status(self, rollout: Rollout) -> ExecutionStatus:
        """Whether the rollout's execution runs, has ended, was never started, or is not ours."""
        try:
            described = self._client.describe_execution(executionArn=self._arn(rollout.id))
        except self._client.exceptions.ExecutionDoesNotExist:
            return ExecutionStatus.UNKNOWN
        if not _is_of(rollout, described):
            return ExecutionStatus.TAKEN
        running = described["status"] in {"RUNNING", "PENDING_REDRIVE"}
        return ExecutionStatus.RUNNING if running else ExecutionStatus.ENDED

    def stop(self, name: str) -> None:
        """Stop the execution called `name`, if it still runs; a task of it that runs goes on."""
        try:
            self._client.stop_execution(executionArn=self._arn(name))
        except self._client.exceptions.ExecutionDoesNotExist:
            return

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

    def _arn(self, name: str) -> str:
        return f"{self._machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _is_of(rollout: Rollout, described: Mapping[str, Any]) -> bool:
    """Whether the execution was started for the lease that `rollout` holds.

    The rollout goes on while its execution runs; what makes the lease stays as it was.
    """
    given = json.loads(described.get("input") or "{}")
    # Without its input (its key may be gone) the name is all there is to go by.
    return not given or _lease(given) == _lease(rollout.model_dump(mode="json"))


def _lease(rollout: dict[str, Any]) -> tuple[Any, ...]:
    # The kind is not part of it: preparation finds out that a fleet is serverless.
    return rollout["release"]["release"], rollout.get("claimed_at")
