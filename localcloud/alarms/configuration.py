"""Alarms made and changed: PutMetricAlarm and SetAlarmState."""

import json
from typing import Any

from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.alarms.expressions import Expression
from localcloud.alarms.readings import check_queries, check_stat, iso
from localcloud.alarms.requests import InvalidError
from localcloud.alarms.states import INITIAL_REASON, guard, move, note_new
from localcloud.alarms.values import ExpressionError
from localcloud.alarms.verdicts import COMPARISONS, TREATMENTS
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

_STATES = {"OK", "ALARM", "INSUFFICIENT_DATA"}
_STATE_FIELDS = (
    "StateValue",
    "StateReason",
    "StateReasonData",
    "StateUpdatedTimestamp",
    "StateTransitionedTimestamp",
)
_SINGLE = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
)
_MOST_METRICS = 10


def mount() -> None:
    """Declare what is used of the engine."""
    for name in ("_alarms", "_composite_alarms", "_resource_tags"):
        hooks.require(cloudwatch, name, call=False)
    hooks.require(cloudwatch, "_history_entries")


def arn_of(name: str) -> str:
    """An alarm's ARN."""
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def put_metric_alarm(request: dict[str, Any]) -> dict[str, Any]:
    """PutMetricAlarm: a new alarm begins without data, a changed one keeps its state."""
    _check(request)
    name = request["AlarmName"]
    with guard:
        known = cloudwatch._alarms.get(name)
        alarm = {**_alarm(request), **(_kept(known) if known else _initial())}
        cloudwatch._alarms[name] = alarm
        if known is None:
            note_new(alarm)
            tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
            cloudwatch._resource_tags[alarm["AlarmArn"]] = tags
        _note_change(name, "created" if known is None else "updated")
    return {}


def _alarm(request: dict[str, Any]) -> dict[str, Any]:
    lists: dict[str, Any] = {"OKActions": [], "AlarmActions": [], "InsufficientDataActions": []}
    if "Metrics" not in request:
        lists["Dimensions"] = []
    given = {key: value for key, value in request.items() if key != "Tags" and value is not None}
    return {
        **lists,
        "ActionsEnabled": True,
        **given,
        "Threshold": float(request["Threshold"]),
        "AlarmArn": arn_of(request["AlarmName"]),
        "AlarmConfigurationUpdatedTimestamp": clock.now(),
    }


def _initial() -> dict[str, Any]:
    now = clock.now()
    return {
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": INITIAL_REASON,
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
    }


def _kept(alarm: dict[str, Any]) -> dict[str, Any]:
    return {field: alarm[field] for field in _STATE_FIELDS if field in alarm}


def _note_change(name: str, change: str) -> None:
    stamp = iso(clock.now()).replace("+0000", "Z")
    cloudwatch._history_entries().append(
        {
            "AlarmName": name,
            "AlarmType": "MetricAlarm",
            "Timestamp": stamp,
            "HistoryItemType": "ConfigurationUpdate",
            "HistorySummary": f'Alarm "{name}" {change}',
            "HistoryData": json.dumps({"version": "1.0", "type": change.title()}),
        }
    )


def set_alarm_state(request: dict[str, Any]) -> dict[str, Any]:
    """SetAlarmState of a metric alarm; the next evaluation may take it back."""
    if request["StateValue"] not in _STATES:
        raise InvalidError(f"Invalid StateValue: {request['StateValue']}")
    reason_data = request.get("StateReasonData")
    try:
        json.loads(reason_data or "{}")
    except ValueError as error:
        raise InvalidError("StateReasonData is not valid JSON.", "InvalidFormat") from error
    with guard:
        alarm = cloudwatch._alarms.get(request["AlarmName"])
        if alarm is None:
            raise InvalidError(f"Alarm {request['AlarmName']} does not exist.", "ResourceNotFound")
        if alarm["StateValue"] != request["StateValue"]:
            move(alarm, request["StateValue"], request["StateReason"], reason_data)
    return {}


def _check(request: dict[str, Any]) -> None:
    if ("Metrics" in request) == ("MetricName" in request):
        raise InvalidError("Exactly one of MetricName and Metrics is needed.")
    if request.get("ComparisonOperator") not in COMPARISONS:
        raise InvalidError("ComparisonOperator is missing, or needs an anomaly band.")
    if request.get("Threshold") is None:
        raise InvalidError("Threshold is needed.", "MissingParameter")
    if request.get("TreatMissingData", "missing") not in TREATMENTS:
        raise InvalidError(
            f"Option {request['TreatMissingData']} for TreatMissingData is not valid."
        )
    periods = request["EvaluationPeriods"]
    if not 1 <= (request.get("DatapointsToAlarm") or 1) <= periods:
        raise InvalidError("DatapointsToAlarm must be from 1 to EvaluationPeriods.")
    if "Metrics" in request:
        _check_metrics(request)
    else:
        _check_single(request)


def _check_single(request: dict[str, Any]) -> None:
    if bool(request.get("Statistic")) == bool(request.get("ExtendedStatistic")):
        raise InvalidError("Exactly one of Statistic and ExtendedStatistic is needed.")
    if not request.get("Namespace") or not request.get("Period"):
        raise InvalidError("Namespace and Period are needed.", "MissingParameter")
    check_stat(request.get("Statistic") or request["ExtendedStatistic"], request["Period"])


def _check_metrics(request: dict[str, Any]) -> None:
    beside = [field for field in _SINGLE if request.get(field)]
    if beside:
        raise InvalidError(f"{', '.join(beside)} cannot stand beside Metrics.")
    queries = request["Metrics"]
    check_queries(queries)
    if len([query for query in queries if query.get("MetricStat")]) > _MOST_METRICS:
        raise InvalidError(f"An alarm may use {_MOST_METRICS} metrics.")
    if len([query for query in queries if query.get("ReturnData", True)]) != 1:
        raise InvalidError("Exactly one element of the metrics list should return data.")
    known = {query["Id"] for query in queries}
    for query in queries:
        if query.get("Expression"):
            _check_expression(query["Expression"], known)


def _check_expression(text: str, known: set[str]) -> None:
    try:
        unknown = Expression(text).names - known
    except ExpressionError as error:
        raise InvalidError(f"Error in expression '{text}': {error}") from error
    if unknown:
        raise InvalidError(f"Unknown ids {sorted(unknown)} in expression '{text}'.")
