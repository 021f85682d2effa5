"""`AWS::CloudWatch::Alarm` and `AWS::CloudWatch::CompositeAlarm` in stacks."""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from localcloud import hooks
from localcloud.alarms import configuration
from localcloud.alarms.requests import InvalidError

_INTEGERS = {"Period", "EvaluationPeriods", "DatapointsToAlarm"}
_BOOLEANS = {"ActionsEnabled", "ReturnData"}
_LONGEST_NAME = 255
Put = Callable[[dict[str, Any]], None]


def mount() -> None:
    """Take both resource types over."""
    hooks.require(provisioners, "_physical_name", call=False)
    hooks.require(provisioners, "_delete_predecessor", "delete_fn", "args", "kwargs")
    hooks.require(cloudwatch, "_put_composite_alarm", "params", "cbor_data", "is_cbor", "is_json")
    hooks.require(cloudwatch, "_delete_alarms", "params", "cbor_data", "is_cbor", "is_json")
    for kind, put in (("Alarm", _put_metric_alarm), ("CompositeAlarm", _put_composite_alarm)):
        provisioners._RESOURCE_HANDLERS[f"AWS::CloudWatch::{kind}"] = _handlers(put)


def _handlers(put: Put) -> dict[str, Any]:
    def create(logical_id: str, props: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        name = props.get("AlarmName")
        name = name or provisioners._physical_name(stack, logical_id, max_len=_LONGEST_NAME)
        put({**_typed(props), "AlarmName": name})
        arn = configuration.arn_of(name)
        tags = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
        cloudwatch._resource_tags[arn] = tags
        return name, {"Arn": arn}

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str
    ) -> tuple[str, dict[str, str]]:
        updated = create(logical_id, new, stack)
        if updated[0] != physical_id:
            provisioners._delete_predecessor(_delete, physical_id, old)
        return updated

    return {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": _delete,
    }


def _put_metric_alarm(request: dict[str, Any]) -> None:
    try:
        configuration.put_metric_alarm(request)
    except InvalidError as error:
        raise ValueError(f"{error.message} (Service: CloudWatch, {error.code})") from error
    except KeyError as error:
        raise ValueError(f"{error} is required (Service: CloudWatch)") from error


def _put_composite_alarm(request: dict[str, Any]) -> None:
    _must_succeed(cloudwatch._put_composite_alarm({}, request, is_cbor=False, is_json=True))


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    del props
    names = {"AlarmNames": [physical_id]}
    _must_succeed(cloudwatch._delete_alarms({}, names, is_cbor=False, is_json=True))


def _must_succeed(answer: tuple[int, Any, bytes]) -> None:
    status, _, body = answer
    if status >= 400:  # noqa: PLR2004
        raise ValueError(f"{json.loads(body)['message']} (Service: CloudWatch)")


def _typed(value: Any, key: str = "") -> Any:
    """Templates carry numbers and booleans as text, too."""
    if isinstance(value, dict):
        return {name: _typed(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_typed(item, key) for item in value]
    if key in _INTEGERS:
        return int(value)
    if key in _BOOLEANS:
        return str(value).lower() == "true"
    return float(value) if key == "Threshold" else value
