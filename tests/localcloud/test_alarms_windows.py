"""Which periods an alarm looks at, in process: the engine's store, and a time of our choosing.

AWS: AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
AWS: AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from localcloud.alarms.evaluation import datapoints
from localcloud.alarms.retention import forget_before
from localcloud.constants import ACCOUNT, REGION
from localcloud.sagemaker.metrics import NAMESPACE, Meter

NOON = 1_800_000_000.0 // 3600 * 3600


@pytest.fixture
def metric() -> Iterator[dict[str, Any]]:
    """A metric of its own with one value a minute, from the minute before noon on: 1, 2, 3."""
    named = {"Namespace": uuid.uuid4().hex, "MetricName": "Errors", "Dimensions": []}
    with request_scope(ACCOUNT, REGION):
        for number, minute in enumerate((-1, 0, 1)):
            at, value = NOON + 60 * minute + 5, number + 1
            cloudwatch._store_datum(
                named["Namespace"], "Errors", {}, at, "None", value, None, None, None
            )
        yield named


def seen(metric: dict[str, Any], at: float, **fields: Any) -> list[float | None]:
    """What an alarm on one period of a minute looks at, newest first."""
    alarm = {
        **metric,
        "ComparisonOperator": "GreaterThanThreshold",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        **fields,
    }
    return [point.value for point in datapoints(alarm, at)]


def test_the_minute_that_has_begun_counts_once_it_has_data(metric: dict[str, Any]) -> None:
    assert seen(metric, NOON + 70) == [3.0, 2.0, 1.0]


def test_the_minute_that_has_begun_is_not_missing_yet(metric: dict[str, Any]) -> None:
    assert seen(metric, NOON + 121) == [3.0, 2.0, 1.0]
    assert seen(metric, NOON + 181) == [None, 3.0, 2.0]


def test_an_alarm_on_too_little_waits_for_the_whole_minute(metric: dict[str, Any]) -> None:
    assert seen(metric, NOON + 70, ComparisonOperator="LessThanThreshold") == [2.0, 1.0, None]


def test_longer_periods_slide_by_the_minute(metric: dict[str, Any]) -> None:
    assert seen(metric, NOON + 121, Period=120) == [5.0, 1.0, None]


def test_dimensions_belong_to_the_metric(metric: dict[str, Any]) -> None:
    other = {**metric, "Dimensions": [{"Name": "VariantName", "Value": "canary"}]}

    assert seen(other, NOON + 70) == [None, None, None]


def test_metric_math_looks_at_the_same_periods(metric: dict[str, Any]) -> None:
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    queries = [
        {"Id": "twice", "Expression": "m * 2", "ReturnData": True},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
    ]
    alarm = {
        "Metrics": queries,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
    }

    assert [point.value for point in datapoints(alarm, NOON + 70)] == [6.0, 4.0, 2.0]


def test_only_what_is_older_is_forgotten(metric: dict[str, Any]) -> None:
    forget_before(NOON)

    assert seen(metric, NOON + 70) == [3.0, 2.0, None]
    forget_before(NOON + 70)
    assert (metric["Namespace"], "Errors", cloudwatch._dims_key({})) not in cloudwatch._metrics


def test_requests_are_forgotten_minute_by_minute() -> None:
    meter, endpoint = Meter(), (("EndpointName", uuid.uuid4().hex),)
    metric: dict[str, Any] = {"Namespace": NAMESPACE, "MetricName": "Invocations"}
    metric["Dimensions"] = [{"Name": "EndpointName", "Value": endpoint[0][1]}]
    with request_scope(ACCOUNT, REGION):
        for minute in (-1, 0, 1):
            meter._store((endpoint, "Invocations", NOON + 60 * minute), Counter({1.0: 2}))
        meter._forget_before(NOON)

        assert seen(metric, NOON + 70) == [2.0, 2.0, None]
        meter._store((endpoint, "Invocations", NOON + 60), Counter({1.0: 1}))
        assert seen(metric, NOON + 70) == [3.0, 2.0, None]
