"""Executions: started once per name, described, listed and stopped as the API reference says.

StartExecution is idempotent while the execution of that name runs with the same input; after it
closed, or with another input, the answer is `ExecutionAlreadyExists`.
"""

import base64
import json
import sys
import threading
import time
import uuid
from collections import deque
from datetime import datetime
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramError,
    ProgramStopped,
    ProgramTimedOut,
)
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)

from localcloud import hooks
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.workflows.refusals import RefusedError
from localcloud.workflows.status_events import announce

_LONGEST_NAME = 80
_LARGEST_INPUT_BYTES = 256 * 1024
_PAGE = 100
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_NAP = 0.005
_starting = threading.Lock()
_executions: dict[str, Any] = {}
_closed: dict[str, threading.Event] = {}


def mount() -> None:
    """Close executions our way."""
    hooks.require(
        StepFunctionsParserBackend,
        "start_execution",
        "self",
        "state_machine_arn",
        "name",
        "execution_input",
        "trace_header",
    )
    hooks.replace(BaseExecutionWorkerCommunication, "terminated", "self")(
        lambda self: _close(self.execution)
    )
    hooks.wrap(ExecutionWorker, "start", "self")(_start_worker)
    none: deque[Any] = deque(maxlen=0)  # the engine would keep every thread for ever
    for name, module in sorted(sys.modules.items()):
        if name.startswith("moto.stepfunctions.") and hasattr(module, "TMP_THREADS"):
            hooks.put(module, "TMP_THREADS", none)


def backend() -> Any:
    """The engine's store."""
    return stepfunctions_parser_backends[ACCOUNT][REGION]


def machine(arn: str) -> Any:
    """The state machine, or version, that `arn` names. Raises RefusedError without one."""
    try:
        return backend().describe_state_machine(arn)
    except AWSError as error:
        raise RefusedError(error.TYPE, error.message) from error


def start(request: dict[str, Any]) -> dict[str, Any]:
    """StartExecution."""
    name, given = request.get("name") or str(uuid.uuid4()), request.get("input") or "{}"
    _must_be_name(name)
    _must_be_json(given)
    owner = machine(request["stateMachineArn"])
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{owner.name}:{name}"
    with _starting:
        execution = _executions.get(arn)
        if execution is None:
            execution = _begin(owner, name, given, arn)
        elif execution.status != "RUNNING" or execution.execution_input != given:
            raise RefusedError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
    return {"executionArn": arn, "startDate": execution.start_date.timestamp()}


def _begin(owner: Any, name: str, given: str, arn: str) -> Any:
    _closed[arn] = threading.Event()
    execution = backend().start_execution(owner.arn, name, given)
    _executions[arn] = execution
    deadline = time.monotonic() + _START_SECONDS
    while not _is_under_way(execution) and time.monotonic() < deadline:
        time.sleep(_NAP)
    return execution


def _start_worker(original: Any, self: Any) -> None:
    """Tell that the execution runs before it can have ended."""
    announce(self._execution_communication.execution)
    original(self)


def _is_under_way(execution: Any) -> bool:
    """Whether it has come far enough to be stopped; the engine sets it up in its own thread."""
    env = execution.exec_worker.env
    return execution.status != "RUNNING" or (env is not None and env.program_state() is not None)


def stop(request: dict[str, Any]) -> dict[str, Any]:
    """StopExecution: no Retry and no Catch runs; what has closed already is left as it is."""
    execution = _execution(request["executionArn"])
    execution.stop(clock.utc(), request.get("error"), request.get("cause"))
    _closed[execution.exec_arn].wait(_STOP_SECONDS)
    return {"stopDate": (execution.stop_date or clock.utc()).timestamp()}


def stop_all(machine_arn: str | None = None) -> None:
    """Stop what runs, of one machine or at all."""
    for execution in list(_executions.values()):
        if execution.status == "RUNNING" and machine_arn in {None, execution.state_machine_arn}:
            execution.stop(clock.utc(), None, None)


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeExecution."""
    execution = _execution(request["executionArn"])
    described = {
        **_summary(execution),
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": 0,
    }
    if execution.status == "SUCCEEDED":
        described["output"] = json.dumps(execution.output, separators=(",", ":"))
        described["outputDetails"] = {"included": True}
    return {key: value for key, value in described.items() if value is not None}


def describe_machine(request: dict[str, Any]) -> dict[str, Any]:
    """DescribeStateMachineForExecution: the definition that the execution started with."""
    execution = _execution(request["executionArn"])
    owner = execution.state_machine
    return {
        "stateMachineArn": owner.arn,
        "name": owner.name,
        "definition": owner.definition,
        "roleArn": owner.roleArn,
        "updateDate": owner.update_date.timestamp(),
        "loggingConfiguration": owner.loggingConfiguration,
        "tracingConfiguration": owner.tracingConfiguration,
    }


def list_executions(request: dict[str, Any]) -> dict[str, Any]:
    """ListExecutions, the newest first."""
    arn = machine(request["stateMachineArn"]).arn
    wanted = request.get("statusFilter")
    chosen = [
        execution
        for execution in reversed(list(_executions.values()))
        if execution.state_machine_arn == arn and wanted in {None, execution.status}
    ]
    page, token = _page(chosen, request)
    listed = [{k: v for k, v in _summary(e).items() if v is not None} for e in page]
    return {"executions": listed, **token}


def history(request: dict[str, Any]) -> dict[str, Any]:
    """GetExecutionHistory."""
    env = _execution(request["executionArn"]).exec_worker.env
    events = env.event_manager.get_event_history() if env else []
    for event in events:
        event["timestamp"] = datetime.fromisoformat(event["timestamp"]).timestamp()
    if request.get("reverseOrder"):
        events.reverse()
    page, token = _page(events, request)
    return {"events": page, **token}


def _page(items: list[Any], request: dict[str, Any]) -> tuple[list[Any], dict[str, str]]:
    try:
        begin = int(base64.b64decode(request["nextToken"])) if request.get("nextToken") else 0
    except ValueError as error:
        message = f"Invalid Token: '{request['nextToken']}'"
        raise RefusedError("InvalidToken", message) from error
    end = begin + (request.get("maxResults") or _PAGE)
    more = {"nextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[begin:end], more


def _summary(execution: Any) -> dict[str, Any]:
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": str(execution.status),
        "startDate": execution.start_date.timestamp(),
        "stopDate": execution.stop_date and execution.stop_date.timestamp(),
    }


def _execution(arn: str) -> Any:
    if arn not in _executions:
        raise RefusedError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    return _executions[arn]


def _close(execution: Any) -> None:
    """Take over how the program ended, then tell the world."""
    ended = execution.exec_worker.env.program_state()
    execution.stop_date = clock.utc()
    if isinstance(ended, ProgramStopped):
        execution.error, execution.cause = ended.error, ended.cause
        status = ExecutionStatus.ABORTED
    elif isinstance(ended, ProgramError):
        told = ended.error or {}
        execution.error, execution.cause = told.get("error"), told.get("cause")
        status = ExecutionStatus.FAILED
    elif isinstance(ended, ProgramTimedOut):
        status = ExecutionStatus.TIMED_OUT
    else:
        execution.output = execution.exec_worker.env.states.get_input()
        status = ExecutionStatus.SUCCEEDED
    execution.exec_status = status
    _closed[execution.exec_arn].set()
    announce(execution)


def _must_be_name(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        message = (
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LONGEST_NAME}"
        )
        raise RefusedError("ValidationException", message)
    try:
        backend()._validate_name(name)
    except AWSError as error:
        raise RefusedError(error.TYPE, error.message) from error


def _must_be_json(given: str) -> None:
    try:
        json.loads(given)
    except ValueError as error:
        message = f"Invalid State Machine Execution Input: '{error}'"
        raise RefusedError("InvalidExecutionInput", message) from error
    if len(given.encode()) > _LARGEST_INPUT_BYTES:
        message = f"Input is longer than {_LARGEST_INPUT_BYTES} bytes"
        raise RefusedError("InvalidExecutionInput", message)
