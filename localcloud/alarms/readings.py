"""Metrics in and out, on virtual timestamps."""

import base64
import math
from datetime import UTC, datetime
from typing import Any

from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.alarms.requests import InvalidError
from localcloud.alarms.series import (
    is_statistic,
    period_of,
    points_of,
    query_series,
    statistic,
)
from localcloud.alarms.values import ExpressionError, Series
from localcloud.clock import clock

_LARGEST_PAGE = 100_800
_MOST_QUERIES = 500
_MOST_DATAPOINTS = 1440


def mount() -> None:
    """Declare what is used of the engine."""
    hooks.require(
        cloudwatch,
        "_store_datum",
        *("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"),
    )


def put(request: dict[str, Any]) -> dict[str, Any]:
    """PutMetricData; a datum without a timestamp gets the virtual time."""
    for datum in request["MetricData"]:
        dimensions = {item["Name"]: item["Value"] for item in datum.get("Dimensions") or []}
        if not {"Value", "Values", "StatisticValues"} & datum.keys():
            message = (
                "At least one of the parameters must be specified: Value, Values, StatisticValues"
            )
            raise InvalidError(message, "MissingParameter")
        cloudwatch._store_datum(
            request["Namespace"],
            datum["MetricName"],
            dimensions,
            datum.get("Timestamp") or clock.now(),
            datum.get("Unit", "None"),
            datum.get("Value"),
            datum.get("Values"),
            datum.get("Counts"),
            datum.get("StatisticValues"),
        )
    return {}


def get_data(request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricData: every returned query, newest first unless asked otherwise.

    The range is half open: a period counts when it begins at StartTime or later and before EndTime.
    StartTime is rounded down to the period, as the service aligns it.
    """
    queries = request["MetricDataQueries"]
    check_queries(queries)
    begin, end = request["StartTime"], request["EndTime"]
    if begin >= end:
        message = "The parameter StartTime must be less than the parameter EndTime."
        raise InvalidError(message)
    found = _by_period(queries, begin, end)
    ascending = request.get("ScanBy") == "TimestampAscending"
    results = [
        {
            "Id": query["Id"],
            "Label": _label(query),
            "StatusCode": "Complete",
            **_points(found[query["Id"]], ascending=ascending),
        }
        for query in queries
        if query.get("ReturnData", True)
    ]
    return _page(results, request)


def _by_period(queries: list[dict[str, Any]], begin: float, end: float) -> dict[str, Series]:
    """Metrics by their own period; expressions by the longest that is in play."""
    longest = period_of(queries)
    try:
        found = query_series(queries, _starts(begin, end, longest), longest)
    except ExpressionError as error:
        raise InvalidError(f"Error in expression: {error}") from error
    for query in queries:
        stat = query.get("MetricStat")
        if stat and stat["Period"] != longest:
            starts = _starts(begin, end, stat["Period"])
            found[query["Id"]] = query_series([query], starts, stat["Period"])[query["Id"]]
    return found


def _starts(begin: float, end: float, period: float) -> tuple[float, ...]:
    first = math.floor(begin / period)
    last = math.ceil(end / period)
    return tuple(float(number * period) for number in range(first, last))


def _label(query: dict[str, Any]) -> str:
    stat = query.get("MetricStat")
    return str(query.get("Label") or (stat["Metric"]["MetricName"] if stat else query["Id"]))


def _points(series: Series, *, ascending: bool) -> dict[str, list[float]]:
    starts = sorted(series, reverse=not ascending)
    return {"Timestamps": starts, "Values": [series[start] for start in starts]}


def _page(results: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    """At most MaxDatapoints points over all results; the token says how many have been given."""
    size = request.get("MaxDatapoints") or _LARGEST_PAGE
    try:
        skip = int(base64.b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError as error:
        raise InvalidError("The NextToken is not valid.", "InvalidNextToken") from error
    left, seen, page = size, 0, []
    for result in results:
        begin = min(max(skip - seen, 0), len(result["Values"]))
        taken = min(left, len(result["Values"]) - begin)
        seen += len(result["Values"])
        left -= taken
        cut = {key: result[key][begin : begin + taken] for key in ("Timestamps", "Values")}
        whole = begin + taken == len(result["Values"])
        page.append({**result, **cut, "StatusCode": "Complete" if whole else "PartialData"})
    answer: dict[str, Any] = {"MetricDataResults": page, "Messages": []}
    if skip + size < seen:
        answer["NextToken"] = base64.b64encode(str(skip + size).encode()).decode()
    return answer


def check_queries(queries: list[dict[str, Any]]) -> None:
    """Raise InvalidError for queries that cannot be evaluated."""
    if not 0 < len(queries) <= _MOST_QUERIES:
        raise InvalidError(
            f"The collection MetricDataQueries must have 1 to {_MOST_QUERIES} items."
        )
    names = [query["Id"] for query in queries]
    if len(names) != len(set(names)):
        raise InvalidError("The values for parameter id in MetricDataQueries are not unique.")
    for query in queries:
        stat = query.get("MetricStat")
        if bool(stat) == bool(query.get("Expression")):
            raise InvalidError("Exactly one of MetricStat and Expression is needed in a query.")
        if not names or not (query["Id"][0].islower() and query["Id"].isascii()):
            raise InvalidError(f"Invalid Id: {query['Id']}: it must begin with a lowercase letter.")
        if stat:
            check_stat(stat["Stat"], stat["Period"])


def check_stat(name: str, period: int) -> None:
    """Raise InvalidError for a statistic that is not computed, or a period that does not exist."""
    if not is_statistic(name):
        raise InvalidError(f"Invalid parameter value: {name} is not a statistic.")
    if period not in {1, 5, 10, 20, 30} and (period < 60 or period % 60):  # noqa: PLR2004
        raise InvalidError("Period must be 10, 20, 30 or a multiple of 60.")


def get_statistics(request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricStatistics; the datapoints come in the order of their time."""
    period = int(request["Period"])
    basic, extended = request.get("Statistics") or [], request.get("ExtendedStatistics") or []
    if bool(basic) == bool(extended):
        raise InvalidError(
            "Either Statistics or ExtendedStatistics is needed.", "InvalidParameterCombination"
        )
    for name in (*basic, *extended):
        check_stat(name, period)
    starts = _starts(request["StartTime"], request["EndTime"], period)
    if len(starts) > _MOST_DATAPOINTS:
        raise InvalidError("You have requested too many datapoints.", "InvalidParameterCombination")
    points = points_of(request, request.get("Unit"))
    datapoints = []
    for start in starts:
        within = [p for p in points if start <= p["Timestamp"] < start + period]
        if within:
            values = {name: statistic(within, name) for name in (*basic, *extended)}
            datapoints.append(_datapoint(start, within[0]["Unit"], values, extended=bool(extended)))
    return {"Label": request["MetricName"], "Datapoints": datapoints}


def _datapoint(
    start: float, unit: str, values: dict[str, float | None], *, extended: bool
) -> dict[str, Any]:
    known = {name: value for name, value in values.items() if value is not None}
    shown = {"ExtendedStatistics": known} if extended else known
    return {"Timestamp": start, "Unit": unit, **shown}


def iso(moment: float) -> str:
    """A time as alarm events carry it: milliseconds and `+0000`."""
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return stamp.removesuffix("+00:00") + "+0000"
