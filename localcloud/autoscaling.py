"""Application Auto Scaling: moto's, behind the gateway's IAM.

Targets and policies are kept, and what they forbid is forbidden; nothing scales by itself.
"""

import asyncio
import json
import uuid
from typing import Any

import ministack.app as gateway
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.iam_evaluator import AuthError

from localcloud import hooks
from localcloud.constants import ACCOUNT, REGION
from localcloud.moto_engine import open_request

_SERVICE = "application-autoscaling"
_CONDITIONS = {
    "ServiceNamespace": "application-autoscaling:service-namespace",
    "ScalableDimension": "application-autoscaling:scalable-dimension",
}

Reply = tuple[int, dict[str, str], bytes]


def mount() -> None:
    """Serve `application-autoscaling` from the gateway."""
    hooks.require(gateway, "SERVICE_HANDLERS", call=False)
    hooks.require(iam_evaluator, "enforce", call=False)
    hooks.require(router, "extract_access_key_id", "headers", "query_params")
    gateway.SERVICE_HANDLERS[_SERVICE] = handle


def stop() -> None:
    """Nothing runs here."""


async def handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Reply:
    """Authorise one request, then let moto answer it."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    refused = _refused(operation, headers, body, query)
    if refused is not None:
        return refused
    answer = await asyncio.to_thread(
        open_request, _SERVICE, method, path, headers=headers, body=body, query=query
    )
    kept = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return answer.status_code, kept, answer.data


def _refused(
    operation: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Reply | None:
    action, request = f"{_SERVICE}:{operation}", json.loads(body or b"{}")
    conditions = {key: request[name] for name, key in _CONDITIONS.items() if name in request}
    resource = f"arn:aws:{_SERVICE}:{REGION}:{ACCOUNT}:scalable-target/*"
    if operation.startswith("Describe"):
        resource = "*"
    access_key = router.extract_access_key_id(headers, query)
    denied = iam_evaluator.enforce(access_key, action, _SERVICE, REGION, resource, conditions)
    if denied is None:
        return None
    if isinstance(denied, AuthError):
        return _error(denied.code, denied.message)
    return _error(
        "AccessDeniedException",
        iam_actions.identity_denial_message(
            action, denied.principal_arn, resource, denied.decision == "Deny"
        ),
    )


def _error(code: str, message: str) -> Reply:
    sent = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    return 400, sent, json.dumps({"__type": code, "message": message}).encode()
