"""Alarms looked at again and again on the virtual clock, by one thread.

An alarm's windows end at the last full minute (for shorter periods: at the last full period). The
minute that has just begun counts as soon as it has a datapoint, for alarms on too much; for alarms
on too little it does not, because a minute that is not over always has too little.
"""

import json
import logging
import math
import threading
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from localcloud.alarms.readings import iso
from localcloud.alarms.series import metric_series, period_of, points_of, query_series
from localcloud.alarms.states import guard, move, take_held_actions
from localcloud.alarms.values import ExpressionError, Series
from localcloud.alarms.verdicts import EXTRA_PERIODS, Datapoint, Rule, Verdict, judge
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

_VIRTUAL_SECONDS = 10.0
_SHORTEST_NAP = 0.15
_MINUTE = 60
_stopping = threading.Event()
log = logging.getLogger(__name__)


def begin() -> None:
    """Start the thread."""
    _stopping.clear()
    threading.Thread(target=_run, name="alarms", daemon=True).start()


def end() -> None:
    """Stop the thread."""
    _stopping.set()


def _run() -> None:
    while not _stopping.wait(max(_SHORTEST_NAP, clock.real_seconds(_VIRTUAL_SECONDS))):
        with request_scope(ACCOUNT, REGION):
            for name in list(cloudwatch._alarms.keys()):
                try:
                    evaluate(name)
                except Exception:
                    log.exception("alarm %s cannot be evaluated", name)
            take_held_actions()


def evaluate(name: str) -> None:
    """Look at one alarm, and move it when its datapoints call for another state."""
    with guard:
        alarm = cloudwatch._alarms.get(name)
        if alarm is None:
            return
        now = clock.now()
        verdict = judge(Rule.of(alarm), datapoints(alarm, now))
        if verdict is not None and verdict.state != alarm["StateValue"]:
            move(alarm, verdict.state, verdict.reason, _reason_data(alarm, verdict, now))


def datapoints(alarm: dict[str, Any], now: float) -> list[Datapoint]:
    """The alarm's datapoints, newest first, some more than it evaluates."""
    period = alarm.get("Period") or period_of(alarm["Metrics"])
    step = min(period, _MINUTE)
    end = math.floor(now / step) * step
    if alarm["ComparisonOperator"].startswith("Greater") and _has_points_from(alarm, end):
        end += step
    count = alarm["EvaluationPeriods"] + EXTRA_PERIODS
    starts = tuple(float(end - period * (index + 1)) for index in range(count))
    series = _series(alarm, starts, period)
    return [Datapoint(start, series.get(start)) for start in starts]


def _series(alarm: dict[str, Any], starts: tuple[float, ...], period: float) -> Series:
    if "Metrics" not in alarm:
        return metric_series(_own_stat(alarm), starts, period)
    try:
        found = query_series(alarm["Metrics"], tuple(sorted(starts)), period)
    except ExpressionError:
        log.warning("the expressions of alarm %s have no value", alarm["AlarmName"], exc_info=True)
        return {}
    return found[returned_query(alarm["Metrics"])["Id"]]


def _own_stat(alarm: dict[str, Any]) -> dict[str, Any]:
    return {
        "Metric": alarm,
        "Stat": alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
        "Unit": alarm.get("Unit"),
    }


def returned_query(queries: list[dict[str, Any]]) -> dict[str, Any]:
    """The one query that the alarm watches."""
    return next(query for query in queries if query.get("ReturnData", True))


def _has_points_from(alarm: dict[str, Any], begin: float) -> bool:
    stats = [query["MetricStat"] for query in alarm.get("Metrics", []) if query.get("MetricStat")]
    return any(
        point["Timestamp"] >= begin
        for stat in stats or [_own_stat(alarm)]
        for point in points_of(stat["Metric"], stat.get("Unit"))
    )


def _reason_data(alarm: dict[str, Any], verdict: Verdict, now: float) -> str:
    oldest_first = verdict.datapoints[::-1]
    data: dict[str, Any] = {"version": "1.0", "queryDate": iso(now)}
    if oldest_first:
        data["startDate"] = iso(oldest_first[0].start)
    if "Metrics" not in alarm:
        data["statistic"] = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
    data["period"] = alarm.get("Period") or period_of(alarm["Metrics"])
    data["recentDatapoints"] = [point.value for point in oldest_first]
    data["threshold"] = alarm["Threshold"]
    return json.dumps(data, separators=(",", ":"))
