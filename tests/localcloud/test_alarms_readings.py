"""Metrics as they are read back: by period, range, statistic, dimensions and expression.

AWS: AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
AWS: AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
AWS: AmazonCloudWatch/latest/monitoring/using-metric-math.html
Model: cloudwatch.GetMetricData
Model: cloudwatch.GetMetricStatistics
Model: cloudwatch.PutMetricData
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.monitoring import as_dimensions, metric_query, minute, now, publish
from tests.localcloud.waiting import until


@pytest.fixture
def hour(client: Any, unique: str) -> datetime:
    """The beginning of a minute an hour ago."""
    return minute(now(client, unique), before=60)


def get_data(client: Any, *queries: dict[str, Any], **named: Any) -> dict[str, dict[str, Any]]:
    """GetMetricData; results by id."""
    answer = client("cloudwatch").get_metric_data(MetricDataQueries=list(queries), **named)
    return {result["Id"]: result for result in answer["MetricDataResults"]}


def test_several_queries_come_by_the_minute_newest_first(
    client: Any, unique: str, hour: datetime
) -> None:
    publish(client, unique, 1.0, 3.0, at=hour + timedelta(seconds=10))
    publish(client, unique, 8.0, at=hour + timedelta(seconds=70))
    publish(client, unique, 100.0, name="Invocations", at=hour)

    found = get_data(
        client,
        metric_query("sum", unique, "Errors", returned=True),
        metric_query("p50", unique, "Errors", stat="p50", returned=True),
        metric_query("calls", unique, "Invocations", stat="SampleCount", returned=True),
        metric_query("hidden", unique, "Errors"),
        StartTime=hour,
        EndTime=hour + timedelta(minutes=5),
    )

    assert found.keys() == {"sum", "p50", "calls"}
    assert found["sum"]["Values"] == [8.0, 4.0]
    assert found["sum"]["Timestamps"] == [hour + timedelta(minutes=1), hour]
    assert found["p50"]["Values"] == [8.0, 2.0]
    assert found["calls"]["Values"] == [1.0]
    assert found["sum"]["StatusCode"] == "Complete"
    assert found["sum"]["Label"] == "Errors"


def test_the_range_includes_its_start_and_excludes_its_end(
    client: Any, unique: str, hour: datetime
) -> None:
    for number in range(4):
        publish(client, unique, float(number), at=hour + timedelta(minutes=number))

    found = get_data(
        client,
        metric_query("m", unique, "Errors", returned=True),
        StartTime=hour + timedelta(minutes=1),
        EndTime=hour + timedelta(minutes=3),
        ScanBy="TimestampAscending",
    )

    assert found["m"]["Values"] == [1.0, 2.0]


def test_an_expression_is_calculated_over_the_queries(
    client: Any, unique: str, hour: datetime
) -> None:
    publish(client, unique, 2.0, at=hour)
    publish(client, unique, 10.0, name="Invocations", at=hour)
    publish(client, unique, 20.0, name="Invocations", at=hour + timedelta(minutes=1))

    found = get_data(
        client,
        {"Id": "rate", "Expression": "FILL(errors, 0) / calls"},
        {"Id": "percent", "Expression": "rate * 100", "Label": "Percent"},
        metric_query("errors", unique, "Errors"),
        metric_query("calls", unique, "Invocations"),
        StartTime=hour,
        EndTime=hour + timedelta(minutes=3),
    )

    assert found["rate"]["Values"] == [0.0, 0.2]
    assert found["percent"]["Values"] == [0.0, 20.0]
    assert found["percent"]["Label"] == "Percent"


def test_dimensions_select_exactly_one_metric(client: Any, unique: str, hour: datetime) -> None:
    variant = {"EndpointName": unique, "VariantName": "v1"}
    publish(client, unique, 1.0, dimensions=variant, at=hour)
    publish(client, unique, 5.0, dimensions={**variant, "EndpointConfigName": "c"}, at=hour)
    query = metric_query("m", unique, "Errors", returned=True)
    query["MetricStat"]["Metric"]["Dimensions"] = as_dimensions(variant)
    nothing = metric_query("n", unique, "Errors", returned=True)

    found = get_data(client, query, nothing, StartTime=hour, EndTime=hour + timedelta(minutes=1))

    assert found["m"]["Values"] == [1.0]
    assert found["n"]["Values"] == []


def test_results_are_paged_by_datapoints(client: Any, unique: str, hour: datetime) -> None:
    for number in range(5):
        publish(client, unique, float(number), at=hour + timedelta(minutes=number))
    pages = client("cloudwatch").get_paginator("get_metric_data")

    found = list(
        pages.paginate(
            MetricDataQueries=[metric_query("m", unique, "Errors", returned=True)],
            StartTime=hour,
            EndTime=hour + timedelta(minutes=5),
            MaxDatapoints=2,
        )
    )

    values = [page["MetricDataResults"][0]["Values"] for page in found]
    assert values == [[4.0, 3.0], [2.0, 1.0], [0.0]]
    codes = [page["MetricDataResults"][0]["StatusCode"] for page in found]
    assert codes == ["PartialData", "PartialData", "Complete"]


def test_a_longer_period_adds_minutes_up(client: Any, unique: str, hour: datetime) -> None:
    begin = hour - timedelta(minutes=hour.minute % 5)
    for number in range(5):
        publish(client, unique, 1.0, at=begin + timedelta(minutes=number))
    query = metric_query("m", unique, "Errors", returned=True)
    query["MetricStat"]["Period"] = 300

    found = get_data(client, query, StartTime=begin, EndTime=begin + timedelta(minutes=5))

    assert found["m"]["Values"] == [5.0]
    assert found["m"]["Timestamps"] == [begin]


def test_statistics_carry_virtual_time_and_percentiles(
    client: Any, unique: str, hour: datetime
) -> None:
    publish(client, unique, *(float(n) for n in range(101)), at=hour + timedelta(seconds=5))
    request = {
        "Namespace": unique,
        "MetricName": "Errors",
        "Period": 60,
        "StartTime": hour,
        "EndTime": hour + timedelta(minutes=1),
    }
    cloudwatch = client("cloudwatch")

    basic = cloudwatch.get_metric_statistics(Statistics=["Sum", "Maximum"], **request)
    extended = cloudwatch.get_metric_statistics(ExtendedStatistics=["p99"], **request)

    (point,) = basic["Datapoints"]
    assert (point["Timestamp"], point["Sum"], point["Maximum"]) == (hour, 5050.0, 100.0)
    assert extended["Datapoints"][0]["ExtendedStatistics"] == {"p99": pytest.approx(99.0)}


@pytest.mark.parametrize(
    ("stat", "count"),
    [
        pytest.param("TC(:200)", 3.0, id="up to a value, that one included"),
        pytest.param("TC(100:200)", 2.0, id="more than one value, up to another"),
        pytest.param("TC(100:)", 4.0, id="more than a value"),
        pytest.param("TC(:50)", 0.0, id="none of them"),
    ],
)
def test_a_trimmed_count_counts_the_data_points_between_two_values(
    client: Any, unique: str, hour: datetime, stat: str, count: float
) -> None:
    publish(client, unique, 100.0, 150.0, 200.0, 250.0, 900.0, at=hour)

    found = get_data(
        client,
        metric_query("within", unique, "Errors", stat=stat, returned=True),
        StartTime=hour,
        EndTime=hour + timedelta(minutes=1),
    )

    assert found["within"]["Values"] == [count]


def test_a_datum_without_a_time_gets_the_virtual_one(client: Any, unique: str) -> None:
    publish(client, unique, 7.0)
    moment = minute(now(client, unique))

    found = get_data(
        client,
        metric_query("m", unique, "Errors", returned=True),
        StartTime=moment - timedelta(minutes=2),
        EndTime=moment + timedelta(minutes=1),
    )

    assert found["m"]["Values"] == [7.0]


def test_datapoints_of_a_minute_are_kept_for_fifteen_days(client: Any, unique: str) -> None:
    oldest = now(client, unique) - timedelta(days=14)  # older ones would be refused
    at, end = oldest + timedelta(minutes=2), oldest + timedelta(minutes=10)
    publish(client, unique, 7.0, at=at)

    def look() -> datetime:
        client("cloudwatch").list_metrics(Namespace=unique)
        return now(client, unique)

    until(look, "more than 14 days have passed", good=lambda seen: seen > at + timedelta(days=14))
    client("cloudwatch").list_metrics(Namespace=unique)
    query = metric_query("m", unique, "Errors", returned=True)
    found = get_data(client, query, StartTime=minute(at), EndTime=end)

    assert found["m"]["Values"] == [7.0]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"Id": "e", "Expression": "m +"}, id="malformed"),
        pytest.param({"Id": "e", "Expression": "m + 1"}, id="unknown id"),
        pytest.param({"Id": "e", "Expression": "e + 1"}, id="itself"),
        pytest.param(metric_query("m", "N", "M", stat="p101"), id="no such percentile"),
        pytest.param({"Id": "Upper", "Expression": "1"}, id="bad id"),
    ],
)
def test_a_malformed_query_is_refused(client: Any, query: dict[str, Any], hour: datetime) -> None:
    with pytest.raises(ClientError, match=r"\(ValidationError\)"):
        get_data(client, query, StartTime=hour, EndTime=hour + timedelta(minutes=1))
