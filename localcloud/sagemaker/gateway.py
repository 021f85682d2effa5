"""Every SageMaker request: parsed, checked against the service model, authorised, carried out."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ministack.core import router

from localcloud import trails
from localcloud.sagemaker import (
    authorization,
    configs,
    endpoints,
    groups,
    invocation,
    models,
    packages,
    shapes,
    tags,
)
from localcloud.sagemaker.caller import Caller, caller_of
from localcloud.sagemaker.errors import ServiceError

Reply = tuple[int, dict[str, str], bytes]
Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {
    **groups.OPERATIONS,
    **packages.OPERATIONS,
    **models.OPERATIONS,
    **configs.OPERATIONS,
    **endpoints.OPERATIONS,
    **tags.OPERATIONS,
}
_CONTENT_TYPE = "application/x-amz-json-1.1"

_workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sagemaker-api")


async def handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Reply:
    """Answer one request to SageMaker or its runtime; its signature has been verified."""
    caller = caller_of(router.extract_access_key_id(headers, query))
    try:
        endpoint = invocation.endpoint_of(method, path)
        if endpoint is not None:
            return await _invoke(endpoint, headers, body, caller)
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            _workers, context.run, _carry_out, operation, body, caller
        )
    except ServiceError as error:
        sent = {"Content-Type": _CONTENT_TYPE, "x-amzn-ErrorType": error.code}
        return error.status, sent, error.body()


def shut_down() -> None:
    """Take no more requests."""
    _workers.shutdown(wait=False, cancel_futures=True)


async def _invoke(name: str, headers: dict[str, str], body: bytes, caller: Caller) -> Reply:
    named = {"EndpointName": name, "TargetModel": headers.get("x-amzn-sagemaker-target-model")}
    authorization.authorise("InvokeEndpoint", named, caller)
    return await invocation.invoke(name, headers, body)


def _carry_out(operation: str, body: bytes, caller: Caller) -> Reply:
    if operation not in OPERATIONS:
        known = "not part of the local cloud" if operation in shapes.operations() else "unknown"
        raise ServiceError("UnknownOperationException", f"{operation} is {known}")
    request = _parsed(body)
    try:
        shapes.check(operation, request)
        authorization.authorise(operation, request, caller)
        answer = OPERATIONS[operation](request, caller)
    except ServiceError as error:
        trails.sagemaker_called(operation, request, caller.arn, error=error.code)
        raise
    trails.sagemaker_called(operation, request, caller.arn, answer=answer)
    return 200, {"Content-Type": _CONTENT_TYPE}, json.dumps(answer).encode()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise ServiceError("SerializationException", "The request is not JSON") from None
    if not isinstance(parsed, dict):
        raise ServiceError("SerializationException", "The request is not a JSON object")
    return {name: value for name, value in parsed.items() if value is not None}
