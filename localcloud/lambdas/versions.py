"""Versions as Lambda publishes them: of a function that is settled, guarded, and once.

An update through the API is in progress for a while, in which neither a second one nor a
publication is taken. A stack waits for its own updates, so that they are over at once here.
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
"""

import contextvars
import functools
import hashlib
import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc

from localcloud import control, hooks, workers

Reply = Any
_update_seconds = {"update_seconds": 2.0}  # of the virtual clock
_by_api: contextvars.ContextVar[bool] = contextvars.ContextVar("by_api", default=False)
_READY = {"State": "Active", "LastUpdateStatus": "Successful"}
_UNSETTLED = {"Pending", "InProgress"}
# What differs between a version and what it was published from.
_OF_A_MOMENT = {
    "FunctionArn",
    "LastModified",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RevisionId",
    "State",
    "StateReason",
    "StateReasonCode",
    "Version",
}


def mount() -> None:
    """Guard what changes a function and what publishes it."""
    hooks.require(lambda_svc, "_check_revision", "current", "data")
    hooks.wrap(lambda_svc, "handle_request", "method", "path", "headers", "body", "query_params")(
        _asked
    )
    hooks.wrap(lambda_svc, "_update_code", "name", "data")(_update)
    hooks.wrap(lambda_svc, "_update_config", "name", "data")(_update)
    hooks.wrap(lambda_svc, "_publish_version", "name", "data")(_publish)
    hooks.wrap(lambda_svc, "_get_function_config", "name", "qualifier")(_described)
    hooks.replace(lambda_svc, "_schedule_state_transition", "func_name", "delay")(_settle)
    control.route("lambda")(tune)


def tune(body: dict[str, Any] | None) -> dict[str, float]:
    """Tell, or with a body first set, for how long an update is in progress."""
    if body is not None:
        _update_seconds["update_seconds"] = float(body["update_seconds"])
    return dict(_update_seconds)


async def _asked(original: Any, *request: Any) -> Reply:
    token = _by_api.set(True)
    try:
        return await original(*request)
    finally:
        _by_api.reset(token)


def _update(original: Any, name: str, data: dict[str, Any]) -> Reply:
    return _unsettled(name) or original(name, data)


def _publish(original: Any, name: str, data: dict[str, Any]) -> Reply:
    """PublishVersion: the last version again if nothing has changed since."""
    function = lambda_svc._functions.get(name)
    if function is None:
        return original(name, data)
    refused = lambda_svc._check_revision(function["config"], data) or _other_code(function, data)
    refused = refused or _unsettled(name)
    if refused:
        return refused
    content = _content(function["config"])
    last = max(function["versions"], key=int, default=None)
    if last and function["versions"][last].get("published_from") == content:
        return json_response(function["versions"][last]["config"], 201)
    answer = original(name, data)
    newest = max(function["versions"], key=int)
    function["versions"][newest]["published_from"] = content
    return answer


def _described(original: Any, name: str, qualifier: str | None = None) -> Reply:
    """GetFunctionConfiguration: the ARN has the qualifier that was asked for."""
    status, headers, body = original(name, qualifier)
    if status == 200 and qualifier:  # noqa: PLR2004
        told = {**json.loads(body), "FunctionArn": f"{lambda_svc._func_arn(name)}:{qualifier}"}
        return json_response(told)
    return status, headers, body


def _other_code(function: dict[str, Any], data: dict[str, Any]) -> Reply:
    found, wanted = function["config"]["CodeSha256"], data.get("CodeSha256")
    if not wanted or wanted == found:
        return None
    message = (
        f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({found}). Please "
        "try again with the CodeSHA256 in $LATEST."
    )
    return error_response_json("InvalidParameterValueException", message, 400)


def _unsettled(name: str) -> Reply:
    """The refusal of a change while the function is being made or changed, or None."""
    config = (lambda_svc._functions.get(name) or {}).get("config", {})
    if not _by_api.get() or config.get("LastUpdateStatus") != "InProgress":
        return None
    message = "The operation cannot be performed at this time. "
    if config.get("StateReasonCode") == "Creating":
        message += "The function is currently in the following state: Pending"
    else:
        message += f"An update is in progress for resource: {config['FunctionArn']}"
    return error_response_json("ResourceConflictException", message, 409)


def _content(config: dict[str, Any]) -> str:
    """A digest of code and configuration."""
    told = {name: value for name, value in config.items() if name not in _OF_A_MOMENT}
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _settle(func_name: str, delay: float) -> None:
    """Let the function be ready: for the API after a while, for a stack at once."""
    seconds = _update_seconds["update_seconds"] if _by_api.get() and delay else 0.0
    if seconds:
        workers.after(seconds, functools.partial(_ready, func_name))
    else:
        _ready(func_name)


def _ready(name: str) -> None:
    function = lambda_svc._functions.get(name) or {"config": {}, "versions": {}}
    versions = [version["config"] for version in function["versions"].values()]
    for config in [function["config"], *versions]:
        if _UNSETTLED & {config.get("State"), config.get("LastUpdateStatus")}:
            config.update(_READY, StateReason="", StateReasonCode="")
