"""Alarm mute rules: Put-, Get-, List- and DeleteAlarmMuteRule.

While a rule's window is open, its alarms are evaluated and change state as ever, and EventBridge is
told, with `muteDetail`; their actions are not taken until it closes (CloudWatch user guide, "Alarm
mute rules").
"""

from typing import Any

from localcloud.alarms.mute_windows import Window, windows_of
from localcloud.alarms.readings import iso
from localcloud.alarms.requests import InvalidError
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

_MOST_ALARMS = 100
_PAGE = 50
_STATUSES = {"SCHEDULED", "ACTIVE", "EXPIRED"}
_rules: dict[str, dict[str, Any]] = {}


def arn_of(name: str) -> str:
    """A mute rule's ARN."""
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:{name}"


def put(request: dict[str, Any]) -> dict[str, Any]:
    """PutAlarmMuteRule: a new rule, or another content for one that exists."""
    windows_of(request).at(clock.now())
    if len((request.get("MuteTargets") or {}).get("AlarmNames", [])) > _MOST_ALARMS:
        raise InvalidError(f"A rule may target {_MOST_ALARMS} alarms.")
    given = {key: value for key, value in request.items() if key != "Tags" and value is not None}
    _rules[request["Name"]] = {**given, "LastUpdatedTimestamp": clock.now()}
    return {}


def get(request: dict[str, Any]) -> dict[str, Any]:
    """GetAlarmMuteRule."""
    name = request["AlarmMuteRuleName"]
    if name not in _rules:
        raise InvalidError(f"Mute rule {name} does not exist.", "ResourceNotFoundException")
    return {**_rules[name], **_summary(_rules[name])}


def list_rules(request: dict[str, Any]) -> dict[str, Any]:
    """ListAlarmMuteRules: by alarm and by status, in pages."""
    wanted = set(request.get("Statuses") or _STATUSES)
    if wanted - _STATUSES:
        raise InvalidError(f"Statuses {sorted(wanted - _STATUSES)} are not valid.")
    alarm = request.get("AlarmName")
    found = [
        _summary(rule)
        for _, rule in sorted(_rules.items())
        if (alarm is None or alarm in _targets(rule)) and _status(rule) in wanted
    ]
    start, size = _offset(request), request.get("MaxRecords") or _PAGE
    rest = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"AlarmMuteRuleSummaries": found[start : start + size], **rest}


def delete(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteAlarmMuteRule: deleting what does not exist succeeds."""
    _rules.pop(request["AlarmMuteRuleName"], None)
    return {}


def mute_detail(alarm_name: str) -> dict[str, str] | None:
    """What an alarm's event says of the rule that mutes it now."""
    for name, rule in sorted(_rules.items()):
        window = _window(rule) if alarm_name in _targets(rule) else None
        if window:
            return {
                "mutedByArn": arn_of(name),
                "muteWindowStart": iso(window.start),
                "muteWindowEnd": iso(window.end),
            }
    return None


def _summary(rule: dict[str, Any]) -> dict[str, Any]:
    told = {
        "AlarmMuteRuleArn": arn_of(rule["Name"]),
        "Status": _status(rule),
        "MuteType": "ONE_TIME" if windows_of(rule).once else "RECURRING",
        "LastUpdatedTimestamp": rule["LastUpdatedTimestamp"],
    }
    return {**told, **{key: rule[key] for key in ("ExpireDate",) if key in rule}}


def _status(rule: dict[str, Any]) -> str:
    if _window(rule):
        return "ACTIVE"
    return "EXPIRED" if windows_of(rule).over(clock.now()) else "SCHEDULED"


def _window(rule: dict[str, Any]) -> Window | None:
    return windows_of(rule).at(clock.now())


def _targets(rule: dict[str, Any]) -> list[str]:
    names: list[str] = (rule.get("MuteTargets") or {}).get("AlarmNames", [])
    return names


def _offset(request: dict[str, Any]) -> int:
    token = request.get("NextToken") or "0"
    if not token.isdecimal():
        raise InvalidError("The next token is invalid.", "InvalidNextToken")
    return int(token)
