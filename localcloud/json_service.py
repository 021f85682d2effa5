"""A service of ours that speaks the JSON protocol: parsed, checked, authorised, carried out."""

import asyncio
import functools
import json
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import botocore.session
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.iam_evaluator import AuthError

from localcloud import hooks
from localcloud.constants import REGION
from localcloud.sagemaker import shapes
from localcloud.sagemaker.errors import ServiceError, invalid

Body = dict[str, Any]
Reply = tuple[int, dict[str, str], bytes]
Operation = Callable[[Body, str], Body]
"""Gets the request and the caller's access key."""

_CONTENT_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True, slots=True)
class JsonService:
    """What a service does; `name` is botocore's, `authorise` raises what IAM forbids."""

    name: str
    operations: Mapping[str, Operation]
    authorise: Callable[[str, Body, str], None]

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: Body
    ) -> Reply:
        """Answer one request; its signature has been verified."""
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        access_key = router.extract_access_key_id(headers, query)
        work = functools.partial(self._answer, operation, body, access_key)
        try:
            answer = await asyncio.to_thread(copy_context().run, work)
        except ServiceError as error:
            sent = {"Content-Type": _CONTENT_TYPE, "x-amzn-ErrorType": error.code}
            return error.status, sent, error.body()
        return 200, {"Content-Type": _CONTENT_TYPE}, json.dumps(answer).encode()

    def _answer(self, operation: str, body: bytes, access_key: str) -> Body:
        if operation not in self.operations:
            raise ServiceError("UnknownOperationException", f"{operation} is not part of this")
        parsed = json.loads(body or b"{}")
        request = {name: value for name, value in parsed.items() if value is not None}
        faults = shapes.faults(_input_shape(self.name, operation), request)
        if faults:
            raise invalid(f"{len(faults)} validation error(s) detected: {'; '.join(faults)}")
        self.authorise(operation, request, access_key)
        return self.operations[operation](request, access_key)


def require_hooks() -> None:
    """Declare what we use of the engine."""
    hooks.require(iam_evaluator, "enforce", call=False)
    hooks.require(router, "extract_access_key_id", "headers", "query_params")


def refusal(
    access_key: str, action: str, resource: str, conditions: Body | None = None
) -> ServiceError | None:
    """What IAM says against it, or None."""
    service = action.partition(":")[0]
    denied = iam_evaluator.enforce(access_key, action, service, REGION, resource, conditions or {})
    if denied is None:
        return None
    if isinstance(denied, AuthError):
        return ServiceError(denied.code, denied.message, status=403)
    explicit = denied.decision == "Deny"
    message = iam_actions.identity_denial_message(action, denied.principal_arn, resource, explicit)
    return ServiceError("AccessDeniedException", message)


def page(found: list[Any], request: Body, *, most: int) -> tuple[list[Any], Body]:
    """The page a request asks for, and where the next one begins if there is one."""
    start = int(request.get("NextToken", 0))
    end = start + min(request.get("MaxResults", most), most)
    return found[start:end], {"NextToken": str(end)} if end < len(found) else {}


@functools.cache
def _input_shape(service: str, operation: str) -> Any:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(operation).input_shape
