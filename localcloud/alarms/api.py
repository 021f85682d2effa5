"""The CloudWatch API at the gateway: our operations, and the engine's for what is left.

The AWS SDKs for Python speak JSON to CloudWatch. Requests in the older query form go to the engine.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import ministack.app as gateway
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.actions import RESOURCE_PARAMETERS
from localcloud.alarms import configuration, mutes, readings
from localcloud.alarms.configuration import arn_of
from localcloud.alarms.requests import InvalidError
from localcloud.constants import ACCOUNT, REGION

Answer = tuple[int, dict[str, str], bytes]
_JSON = "application/x-amz-json-1.0"
_SERVICE = "monitoring"
_OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "PutMetricData": readings.put,
    "GetMetricData": readings.get_data,
    "GetMetricStatistics": readings.get_statistics,
    "PutMetricAlarm": configuration.put_metric_alarm,
    "SetAlarmState": configuration.set_alarm_state,
    "PutAlarmMuteRule": mutes.put,
    "GetAlarmMuteRule": mutes.get,
    "ListAlarmMuteRules": mutes.list_rules,
    "DeleteAlarmMuteRule": mutes.delete,
}
_BY_MUTE_RULE = {"PutAlarmMuteRule", "GetAlarmMuteRule", "DeleteAlarmMuteRule"}
_BY_NAMES = {"DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"}


def mount() -> None:
    """Answer for `monitoring`, and tell IAM which alarms and which namespace a request is about."""
    gateway.SERVICE_HANDLERS[_SERVICE] = handle
    hooks.require(cloudwatch, "handle_request", "method", "path", "headers", "body", "query_params")
    hooks.wrap(iam_actions, "extract_resource_arn", *RESOURCE_PARAMETERS)(_resource_arn)
    hooks.wrap(iam_actions, "request_tag_context", "service", "iam_action", "body", "params")(
        _context
    )


async def handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
) -> Answer:
    """Answer one authorized request."""
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    request = _json(body)
    denied = _denied(operation, request, headers, query_params)
    if denied is not None:
        return denied
    own = _OPERATIONS.get(operation)
    if own is None or _is_composite(operation, request):
        answer: Answer = await cloudwatch.handle_request(method, path, headers, body, query_params)
        return answer
    return await asyncio.to_thread(_run, own, request)


def _is_composite(operation: str, request: dict[str, Any]) -> bool:
    """Whether the state of a composite alarm is set, which is the engine's to do."""
    return operation == "SetAlarmState" and request["AlarmName"] in cloudwatch._composite_alarms


def _run(operation: Callable[[dict[str, Any]], dict[str, Any]], request: dict[str, Any]) -> Answer:
    try:
        with request_scope(ACCOUNT, REGION):
            return _answer(200, operation(request), {})
    except InvalidError as error:
        return _refusal(error.code, error.message)
    except KeyError as error:
        return _refusal("MissingParameter", f"The parameter {error} is required.")


def _refusal(code: str, message: str) -> Answer:
    told = {"__type": code, "message": message}
    status = 404 if code.startswith("ResourceNotFound") else 400
    return _answer(status, told, {"x-amzn-query-error": f"{code};Sender"})


def _answer(status: int, content: dict[str, Any], headers: dict[str, str]) -> Answer:
    named = {"Content-Type": _JSON, "x-amzn-RequestId": str(uuid.uuid4()), **headers}
    return status, named, json.dumps(content).encode()


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _resource_arn(original: Any, service: str, *args: Any) -> Any:
    """The ARN of the mute rule a request names, or of the first alarm it names in a list."""
    if service == _SERVICE:
        operation, request = args[2].get("x-amz-target", "").rsplit(".", 1)[-1], _json(args[3])
        rule = request.get("AlarmMuteRuleName") or request.get("Name")
        if operation in _BY_MUTE_RULE and rule:
            return mutes.arn_of(rule)
        if operation in _BY_NAMES and request.get("AlarmNames"):
            return arn_of(request["AlarmNames"][0])
    return original(service, *args)


def _denied(
    operation: str, request: dict[str, Any], headers: dict[str, str], query_params: dict[str, Any]
) -> Answer | None:
    """The gateway has asked IAM about the first alarm of a list: ask about the others."""
    if not gateway.AUTH or operation not in _BY_NAMES:
        return None
    key, action = extract_access_key_id(headers, query_params), f"cloudwatch:{operation}"
    for name in request.get("AlarmNames", [])[1:]:
        arn = arn_of(name)
        denied = iam_evaluator.enforce(key, action, _SERVICE, REGION, resource_arn=arn)
        if denied:
            principal = getattr(denied, "principal_arn", "")
            answer: Answer = iam_actions.access_denied_response(
                _SERVICE, action, principal, str(uuid.uuid4()), headers=headers, resource_arn=arn
            )
            return answer
    return None


def _context(original: Any, service: str, iam_action: str, body: bytes, params: Any) -> Any:
    """The condition keys of PutMetricData and PutMetricAlarm, beside those of tags."""
    keys = dict(original(service, iam_action, body, params))
    if service != _SERVICE:
        return keys
    request = _json(body)
    if iam_action == "cloudwatch:PutMetricData" and "Namespace" in request:
        keys["cloudwatch:namespace"] = request["Namespace"]
    if request.get("AlarmActions"):
        keys["cloudwatch:alarmactions"] = request["AlarmActions"]
    return keys
