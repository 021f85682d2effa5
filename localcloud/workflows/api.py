"""The Step Functions API at the gateway: our operations, and the engine's for what is left."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import ministack.app as gateway
from ministack.core import iam_actions

from localcloud import hooks
from localcloud.actions import RESOURCE_PARAMETERS
from localcloud.moto_engine import EngineError, open_request
from localcloud.workflows import callbacks, executions, machines
from localcloud.workflows.refusals import RefusedError

Answer = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any]], dict[str, Any]]
_JSON = "application/x-amz-json-1.0"
_OPERATIONS: dict[str, Operation] = {
    "CreateStateMachine": machines.create,
    "UpdateStateMachine": machines.update,
    "DeleteStateMachine": machines.delete,
    "ValidateStateMachineDefinition": machines.validate,
    "StartExecution": executions.start,
    "StopExecution": executions.stop,
    "DescribeExecution": executions.describe,
    "DescribeStateMachineForExecution": executions.describe_machine,
    "ListExecutions": executions.list_executions,
    "GetExecutionHistory": executions.history,
    "SendTaskSuccess": callbacks.send_success,
    "SendTaskFailure": callbacks.send_failure,
    "SendTaskHeartbeat": callbacks.send_heartbeat,
}


def mount() -> None:
    """Answer for `states`, and tell IAM which machine a task token belongs to."""
    gateway.SERVICE_HANDLERS["states"] = handle
    hooks.wrap(iam_actions, "extract_resource_arn", *RESOURCE_PARAMETERS)(_resource_arn)


async def handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
) -> Answer:
    """Answer one authorized request."""
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    own = _OPERATIONS.get(operation)
    if own is None:
        return await asyncio.to_thread(_pass_on, method, path, headers, body, query_params)
    return await asyncio.to_thread(_run, own, json.loads(body or b"{}"))


def _run(operation: Operation, request: dict[str, Any]) -> Answer:
    try:
        return _answer(200, operation(request))
    except (RefusedError, EngineError) as error:
        return _answer(400, {"__type": error.code, "message": error.message})
    except KeyError as error:
        message = (
            f"1 validation error detected: Value at {error} failed to satisfy constraint: not null"
        )
        return _answer(400, {"__type": "ValidationException", "message": message})


def _answer(status: int, content: dict[str, Any]) -> Answer:
    headers = {"Content-Type": _JSON, "x-amzn-RequestId": str(uuid.uuid4())}
    return status, headers, json.dumps(content).encode()


def _pass_on(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
) -> Answer:
    answer = open_request("states", method, path, headers=headers, body=body, query=query_params)
    passed = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
    return answer.status_code, passed, answer.data


def _resource_arn(original: Any, service: str, *args: Any) -> Any:
    """For an operation that names only a task token: the ARN of the machine it belongs to."""
    if service != "states":
        return original(service, *args)
    body = args[3]
    request = json.loads(body or b"{}")
    if "taskToken" in request:
        return callbacks.machine_of(request["taskToken"])
    return request.get("resourceArn") or original(service, *args)
