"""Metrics as time series: the engine's points, by exact dimensions, aggregated by period."""

import re
from typing import Any

from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.alarms.expressions import Expression
from localcloud.alarms.values import ExpressionError, Scope, Series

STATISTICS = {"Average", "Maximum", "Minimum", "SampleCount", "Sum"}
_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)$")
_NUMBER = r"(\d+(?:\.\d+)?)?"
_TRIMMED_COUNT = re.compile(rf"TC\({_NUMBER}:{_NUMBER}\)$")
"""Between absolute values; shares of the data points, `TC(10%:90%)`, are nobody's need here."""


def require() -> None:
    """Declare what is used of the engine's store."""
    hooks.require(cloudwatch, "_metrics", call=False)
    hooks.require(cloudwatch, "_dims_key", "dims")
    hooks.require(cloudwatch, "_calc_stats", "points")
    hooks.require(cloudwatch, "_stat_value", "stats", "stat_name", "points")


def is_statistic(name: str) -> bool:
    """Whether CloudWatch computes it here: the basic ones, percentiles and trimmed counts."""
    extended = _PERCENTILE.match(name) or _TRIMMED_COUNT.match(name)
    return name in STATISTICS or extended is not None


def points_of(metric: dict[str, Any], unit: str | None = None) -> list[dict[str, Any]]:
    """All stored points of the metric with exactly these dimensions, and of `unit`, if given."""
    dimensions = {item["Name"]: item["Value"] for item in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    points = list(cloudwatch._metrics.get(key) or [])
    return [point for point in points if unit in {None, point["Unit"]}]


def statistic(points: list[dict[str, Any]], name: str) -> float | None:
    """One statistic of some points; None when there is none."""
    trimmed = _TRIMMED_COUNT.match(name)
    if trimmed:
        return _count_within(points, float(trimmed[1] or "-inf"), float(trimmed[2] or "inf"))
    stats = cloudwatch._calc_stats(points)
    value = cloudwatch._stat_value(stats, name, points) if stats else None
    return None if value is None else float(value)


def _count_within(points: list[dict[str, Any]], low: float, high: float) -> float | None:
    """How many data points are larger than `low` and not larger than `high`.

    A set of statistics has forgotten its data points: with one of those nothing can be said.
    """
    if not points or any("_stat" in point for point in points):
        return None
    return float(sum(p.get("Count", 1.0) for p in points if low < p["Value"] <= high))


def metric_series(stat: dict[str, Any], starts: tuple[float, ...], period: float) -> Series:
    """A MetricStat's value in each period that begins at one of `starts` and has points."""
    if not starts:
        return {}
    first, last = min(starts), max(starts) + period
    within = [
        point
        for point in points_of(stat["Metric"], stat.get("Unit"))
        if first <= point["Timestamp"] < last
    ]
    values = (
        (
            start,
            statistic(
                [p for p in within if start <= p["Timestamp"] < start + period], stat["Stat"]
            ),
        )
        for start in starts
    )
    return {start: value for start, value in values if value is not None}


def query_series(
    queries: list[dict[str, Any]], starts: tuple[float, ...], period: float
) -> dict[str, Series]:
    """Every query's series by its id: metrics read, expressions calculated.

    Raises ExpressionError for a malformed expression, an unknown id, or ids that depend on each
    other.
    """
    found = {
        query["Id"]: metric_series(query["MetricStat"], starts, period)
        for query in queries
        if query.get("MetricStat")
    }
    metrics = tuple(found)
    waiting = {q["Id"]: Expression(q["Expression"]) for q in queries if q.get("Expression")}
    while waiting:
        ready = [name for name, expression in waiting.items() if expression.names <= found.keys()]
        if not ready:
            message = f"unresolved ids in {sorted(waiting)}"
            raise ExpressionError(message)
        for name in ready:
            scope = Scope(found, metrics, starts, period)
            found[name] = waiting.pop(name).evaluate(scope)
    return found


def period_of(queries: list[dict[str, Any]]) -> int:
    """The period that a set of queries is evaluated by: the longest of its metrics'."""
    periods = [q["MetricStat"]["Period"] for q in queries if q.get("MetricStat")]
    periods += [q["Period"] for q in queries if q.get("Period")]
    return int(max(periods, default=60))
