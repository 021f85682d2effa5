"""Step Functions, for the part of the language that our definition speaks.

An execution is a plain value; `Driver.step` carries out its current state, once. Names, tokens and
errors follow AWS's pages: a name is used once (StartExecution), a token is used once
(SendTaskSuccess), a retried task gets a new one, a stopped execution does not stop the function it
called, it only never hears the answer (StopExecution).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from tests.integration.faults import Crash
from tests.integration.machine.clock import iso
from tests.integration.machine.expressions import QueryError, evaluated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.machine.executions import Execution

DEFINITION = Path(__file__).parent.parent.parent.parent / "statemachines" / "rollout.asl.yaml"
LEDGER = "sluice-ledger"
_SERVICES = {"dynamodb": "DynamoDb", "sagemaker": "SageMaker"}
_NEVER_CAUGHT = {"States.DataLimitExceeded", "States.Runtime"}


class TaskError(Exception):
    """A task failed with this error name."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


@cache
def definition() -> dict[str, Any]:
    """The machine, with each function's ARN replaced by its folder's name."""

    def substitute(match: re.Match[str]) -> str:
        name = match[1].removesuffix("FunctionArn")
        return LEDGER if name == "LedgerTable" else xform_name(name)

    text = re.sub(r"\$\{(\w+)\}", substitute, DEFINITION.read_text(encoding="utf-8"))
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@dataclass
class Driver:
    """Carries out executions; tasks are carried out by `invoke` and by the SDK's `client`s."""

    invoke: Callable[[str, Any], Any]
    client: Callable[[str], Any]
    states: dict[str, Any] = field(default_factory=lambda: definition()["States"])

    def step(self, execution: Execution) -> str:
        """Carry out the state the execution is in, or take up what it waited for; that state."""
        name = execution.state
        state = self.states[name]
        match state["Type"]:
            case "Task":
                self._task(execution, state)
            case "Choice":
                self._choose(execution, state)
            case "Pass":
                self._leave(
                    execution, state, evaluated(state.get("Output", {}), self._seen(execution))
                )
            case "Succeed":
                execution.end(
                    "SUCCEEDED", evaluated(state.get("Output", {}), self._seen(execution))
                )
            case "Fail":
                error = evaluated(state.get("Error", ""), self._seen(execution))
                cause = evaluated(state.get("Cause", ""), self._seen(execution))
                execution.end("FAILED", {"Error": error, "Cause": cause})
            case unknown:
                raise NotImplementedError(unknown)
        return name

    def time_out(self, execution: Execution) -> None:
        """The task's `TimeoutSeconds` are over."""
        self._failed(execution, self.states[execution.state], TaskError("States.Timeout", ""))

    # One state.

    def _choose(self, execution: Execution, state: dict[str, Any]) -> None:
        seen = self._seen(execution)
        for rule in state["Choices"]:
            if evaluated(rule["Condition"], seen) is True:
                self._go(execution, rule, execution.input_value)
                return
        self._go(execution, {**state, "Next": state["Default"]}, execution.input_value)

    def _task(self, execution: Execution, state: dict[str, Any]) -> None:
        try:
            if not execution.parked and not self._carried_out(execution, state):
                return
            result = execution.taken_up()
        except TaskError as error:
            if execution.running:
                self._failed(execution, state, error)
            return
        except QueryError as error:
            self._failed(execution, state, TaskError("States.QueryEvaluationError", str(error)))
            return
        self._leave(execution, state, result)

    def _carried_out(self, execution: Execution, state: dict[str, Any]) -> bool:
        """Whether there is a result to go on with: not if it waits, nor if it was stopped."""
        resource = state["Resource"]
        waits = resource.endswith(".waitForTaskToken")
        execution.begin(waits=waits)
        seen = self._seen(execution)
        arguments = evaluated(state.get("Arguments", {}), seen)
        seconds = evaluated(state["TimeoutSeconds"], seen)
        result = self._called(resource.removesuffix(".waitForTaskToken"), arguments)
        if not execution.running:
            return False
        if not waits:
            execution.reply = json.dumps(result)
            return True
        execution.deadline = execution.clock.after(seconds)
        return execution.reply is not None

    def _called(self, resource: str, arguments: dict[str, Any]) -> Any:
        *_, service, operation = resource.split(":")
        if service == "lambda":
            return {"Payload": self._invoked(arguments["FunctionName"], arguments["Payload"])}
        try:
            answer = getattr(self.client(service), xform_name(operation))(**arguments)
        except ClientError as error:
            raise TaskError(_sdk_error(service, error), str(error)) from error
        except BotoCoreError as error:
            raise TaskError(f"{_SERVICES[service]}.SdkClientException", str(error)) from error
        return json.loads(json.dumps(answer, default=str))

    def _invoked(self, function: str, payload: Any) -> Any:
        try:
            return self.invoke(function, payload)
        except Crash as crash:
            # What no handler reports is `Lambda.Unknown`: out of memory, timed out (error names).
            raise TaskError("Lambda.Unknown", str(crash)) from crash
        except Exception as error:
            raise TaskError(type(error).__name__, str(error)) from error

    def _failed(self, execution: Execution, state: dict[str, Any], error: TaskError) -> None:
        execution.give_up_token()
        for number, retrier in enumerate(state.get("Retry", [])):
            if not _matches(retrier["ErrorEquals"], error.error):
                continue
            tried = execution.attempts.get(number, 0)
            if tried >= retrier.get("MaxAttempts", 3):
                break
            execution.attempts[number] = tried + 1
            wait = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** tried
            wait = min(wait, retrier.get("MaxDelaySeconds", wait))
            execution.ready_at = execution.clock.now + timedelta(seconds=wait)
            return
        output = {"Error": error.error, "Cause": error.cause}
        for catcher in state.get("Catch", []):
            if _matches(catcher["ErrorEquals"], error.error):
                self._go(execution, catcher, output, errorOutput=output)
                return
        execution.end("FAILED", output)

    def _leave(self, execution: Execution, state: dict[str, Any], result: Any) -> None:
        self._go(execution, state, result, result=result)

    def _go(self, execution: Execution, way: dict[str, Any], given: Any, **states: Any) -> None:
        """Assign as `way` says, all from the values before, then enter its next state."""
        seen = self._seen(execution, **states)
        try:
            assigned = evaluated(way.get("Assign", {}), seen)
        except QueryError as error:
            execution.end("FAILED", {"Error": "States.QueryEvaluationError", "Cause": str(error)})
            return
        execution.enter(way["Next"], given, assigned)

    def _seen(self, execution: Execution, **states: Any) -> dict[str, Any]:
        """What an expression may read."""
        context = {
            "State": {"EnteredTime": iso(execution.entered), "Name": execution.state},
            "Task": {"Token": execution.token},
            "Execution": {"Name": execution.name},
        }
        return {
            **execution.variables,
            "states": {"input": execution.input_value, "context": context, **states},
        }


def _matches(wanted: list[str], error: str) -> bool:
    if error in wanted:
        return True
    if "States.TaskFailed" in wanted and error != "States.Timeout":
        return True
    return "States.ALL" in wanted and error not in _NEVER_CAUGHT


def _sdk_error(service: str, error: ClientError) -> str:
    """A modelled error goes by its own name, any other by its service's."""
    prefix = _SERVICES[service]
    name = prefix if type(error) is ClientError else type(error).__name__
    return f"{prefix}.{name.removesuffix('Exception')}Exception"
