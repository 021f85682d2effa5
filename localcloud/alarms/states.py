"""Alarms change state: history, SNS actions, the composites above, and the event for EventBridge.

The event has the form that the user guide's page "Alarm events and EventBridge" publishes:
dimensions as a map, and no metrics for a composite alarm.
"""

import json
import threading
import uuid
from types import SimpleNamespace
from typing import Any

from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.alarms.mutes import mute_detail
from localcloud.alarms.readings import iso
from localcloud.bus import emit
from localcloud.clock import clock

INITIAL_REASON = "Unchecked: Initial alarm creation"
guard = threading.RLock()
_told: dict[str, dict[str, Any]] = {}
_held: dict[str, str] = {}
"""Alarms that changed state while muted, with the state they had before."""


def mount() -> None:
    """Put the engine's alarms on the virtual clock and watch every change of state."""
    hooks.put(cloudwatch, "time", SimpleNamespace(time=clock.now))
    hooks.require(
        cloudwatch, "_dispatch_alarm_actions", "alarm", "old_state", "new_state", "reason"
    )
    hooks.require(cloudwatch, "_evaluate_parent_alarms", "child", "seen")
    hooks.wrap(
        cloudwatch,
        "_record_history",
        *("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
    )(_record_and_announce)


def move(alarm: dict[str, Any], state: str, reason: str, reason_data: str | None) -> None:
    """Put a metric alarm into another state, with everything that follows."""
    old = alarm["StateValue"]
    now = clock.now()
    alarm.update(
        StateValue=state,
        StateReason=reason,
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    alarm.pop("StateReasonData", None)
    if reason_data:
        alarm["StateReasonData"] = reason_data
    data = json.loads(reason_data) if reason_data else None
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason, "MetricAlarm", data)
    if mute_detail(alarm["AlarmName"]):
        _held[alarm["AlarmName"]] = _held.get(alarm["AlarmName"], old)
    else:
        cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def take_held_actions() -> None:
    """Take the actions that a mute held back, of alarms that are still in another state."""
    with guard:
        for name in [one for one in _held if not mute_detail(one)]:
            old, alarm = _held.pop(name), cloudwatch._alarms.get(name)
            if alarm and alarm["StateValue"] != old:
                cloudwatch._dispatch_alarm_actions(
                    alarm, old, alarm["StateValue"], alarm["StateReason"]
                )


def note_new(alarm: dict[str, Any]) -> None:
    """Remember the state a new alarm begins with: the first event tells it as the previous one."""
    _told[alarm["AlarmArn"]] = _state(alarm)


def _record_and_announce(  # noqa: PLR0913, PLR0917 the engine's signature
    original: Any,
    alarm_name: str,
    old_state: str,
    new_state: str,
    reason: str,
    alarm_type: str = "MetricAlarm",
    reason_data: Any = None,
) -> None:
    original(alarm_name, old_state, new_state, reason, alarm_type, reason_data)
    alarm = cloudwatch._alarms.get(alarm_name) or cloudwatch._composite_alarms.get(alarm_name)
    if alarm is not None and old_state != new_state:
        _announce(alarm, old_state)


def _announce(alarm: dict[str, Any], old_state: str) -> None:
    arn, state = alarm["AlarmArn"], _state(alarm)
    initial = {"value": old_state, "reason": INITIAL_REASON, "timestamp": state["timestamp"]}
    previous = _told.get(arn, initial)
    _told[arn] = state
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": {**previous, "value": old_state},
        "configuration": _configuration(alarm),
    }
    muted = mute_detail(alarm["AlarmName"])
    if muted:
        detail["muteDetail"] = muted
    emit("aws.cloudwatch", "CloudWatch Alarm State Change", [arn], detail)


def _state(alarm: dict[str, Any]) -> dict[str, Any]:
    state = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": iso(alarm["StateUpdatedTimestamp"]),
    }
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    return state


def _configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    told = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return {**told, "alarmRule": alarm["AlarmRule"]}
    if "Metrics" in alarm:
        return {**told, "metrics": [_query(query) for query in alarm["Metrics"]]}
    stat = {"Metric": alarm, **alarm, "Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"]}
    return {**told, "metrics": [_query({"Id": _metric_id(alarm), "MetricStat": stat})]}


def _metric_id(alarm: dict[str, Any]) -> str:
    """The same for every event of one alarm."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"]))


def _query(query: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if query.get("Expression"):
        told["expression"] = query["Expression"]
    if query.get("Label"):
        told["label"] = query["Label"]
    if stat := query.get("MetricStat"):
        told["metricStat"] = _stat(stat)
    return told


def _stat(stat: dict[str, Any]) -> dict[str, Any]:
    metric = stat["Metric"]
    told = {
        "metric": {
            "namespace": metric["Namespace"],
            "name": metric["MetricName"],
            "dimensions": {item["Name"]: item["Value"] for item in metric.get("Dimensions") or []},
        },
        "period": stat["Period"],
        "stat": stat["Stat"],
    }
    return {**told, "unit": stat["Unit"]} if stat.get("Unit") else told
