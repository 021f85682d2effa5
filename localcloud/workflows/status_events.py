"""`Step Functions Execution Status Change`, in the form the developer guide publishes."""

import json
from typing import Any

from localcloud.bus import emit

_LARGEST_DATA_BYTES = 248 * 1024
_REDRIVABLE = {"FAILED", "ABORTED", "TIMED_OUT"}


def announce(execution: Any) -> None:
    """Publish the status that `execution` has now."""
    emit(
        "aws.states",
        "Step Functions Execution Status Change",
        [execution.exec_arn],
        _detail(execution),
    )


def _detail(execution: Any) -> dict[str, Any]:
    status = str(execution.status)
    output = json.dumps(execution.output, separators=(",", ":")) if status == "SUCCEEDED" else None
    given, included = _included(execution.execution_input, output or "")
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": status,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": given,
        "inputDetails": {"included": included},
        "output": output,
        "outputDetails": None if output is None else {"included": True},
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": 0,
        "redriveDate": None,
        **_redrive(status),
    }


def _included(given: str, output: str) -> tuple[str | None, bool]:
    """Above 248 KiB of input and output together, the event leaves the input out."""
    fits = len(given.encode()) + len(output.encode()) <= _LARGEST_DATA_BYTES
    return (given if fits else None), fits


def _redrive(status: str) -> dict[str, Any]:
    if status in _REDRIVABLE:
        return {"redriveStatus": "REDRIVABLE", "redriveStatusReason": None}
    reason = f"Execution is {status} and cannot be redriven"
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _milliseconds(moment: Any) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
