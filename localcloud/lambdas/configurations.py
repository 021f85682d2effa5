"""Function configurations as Lambda tells them, whatever operation does.

ministack tells reasons that are empty, which Lambda leaves out, no runtime version, and a function
that is updated as Pending: on Lambda it stays Active, and `LastUpdateStatus` tells of the update.
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

import hashlib
import json
from typing import Any

from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.constants import REGION

_REASONS = (
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "StateReason",
    "StateReasonCode",
)


def mount() -> None:
    """Look at every answer of Lambda on its way out."""
    hooks.wrap(lambda_svc, "handle_request", "method", "path", "headers", "body", "query_params")(
        _handle
    )


async def _handle(original: Any, *request: Any) -> Any:
    answer = await original(*request)
    status, headers, body = answer
    if not isinstance(body, bytes) or b'"LastUpdateStatus"' not in body:
        return answer
    return status, headers, json.dumps(_told(json.loads(body))).encode()


def _told(document: Any) -> Any:
    if isinstance(document, list):
        return [_told(item) for item in document]
    if not isinstance(document, dict):
        return document
    told = {name: _told(value) for name, value in document.items()}
    return _configuration(told) if "LastUpdateStatus" in told else told


def _configuration(told: dict[str, Any]) -> dict[str, Any]:
    if told.get("StateReasonCode") == "Updating":
        told |= {"State": "Active", "StateReason": "", "StateReasonCode": ""}
    told = {name: value for name, value in told.items() if value or name not in _REASONS}
    if told.get("Runtime"):
        version = hashlib.sha256(told["Runtime"].encode()).hexdigest()
        arn = f"arn:aws:lambda:{REGION}::runtime:{version}"
        told["RuntimeVersionConfig"] = {"RuntimeVersionArn": arn}
    else:
        told.pop("RuntimeVersionConfig", None)
    return told
