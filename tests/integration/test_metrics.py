"""CloudWatch's readings, complete or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.metrics import Metrics, MetricsUnreadError
from sluice.domain.measures import Series
from sluice.domain.tally import Asked
from tests.builders import AT, after

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

REQUESTS = Series("AWS/SageMaker", "Invocations", "Sum")
ERRORS = Series("AWS/SageMaker", "Invocation5XXErrors", "Sum")
VARIANT = {"EndpointName": "churn", "VariantName": "v4-e5"}
ASKED = Asked({"n": (REQUESTS, VARIANT), "x": (ERRORS, VARIANT)}, AT, after(300), 60)


@pytest.fixture
def metrics(aws: Callable[[str], Any]) -> Metrics:
    return Metrics(aws("cloudwatch"))


def result(id_: str, values: dict[datetime, float], status: str = "Complete") -> dict[str, Any]:
    return {
        "Id": id_,
        "Timestamps": list(values),
        "Values": list(values.values()),
        "StatusCode": status,
    }


def test_values_come_by_the_minute_they_were_counted_in(metrics: Metrics, world: World) -> None:
    world.given_requests("v4-e5", 7, at=after(-60), minutes=4, errors=1)
    world.given_requests("v3-e3", 99, at=AT, minutes=4)

    found = metrics.read(ASKED)

    assert found["n"] == {AT: 7, after(60): 7, after(120): 7}
    assert found["x"] == {AT: 1, after(60): 1, after(120): 1}


def test_minutes_without_data_points_are_not_there(metrics: Metrics) -> None:
    assert metrics.read(ASKED) == {"n": {}, "x": {}}


def test_an_answer_in_pages_and_in_any_order_is_put_together(metrics: Metrics, wire: Wire) -> None:
    first, second = after(60), AT
    wire.once(
        "GetMetricData",
        MetricDataResults=[result("q0", {first: 5.0}, "PartialData"), result("q1", {})],
        NextToken="more",
    )
    wire.once("GetMetricData", MetricDataResults=[result("q0", {second: 2.5})])

    assert metrics.read(ASKED)["n"] == {second: 2.5, first: 5}
    assert [one.get("NextToken") for one in wire.calls("GetMetricData")] == [None, "more"]


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_a_part_of_an_answer_is_none(metrics: Metrics, wire: Wire, status: str) -> None:
    wire.once(
        "GetMetricData",
        MetricDataResults=[result("q0", {AT: 1.0}), result("q1", {AT: 1.0}, status)],
    )

    with pytest.raises(MetricsUnreadError, match=status):
        metrics.read(ASKED)


def test_a_series_that_is_not_told_of_is_not_empty(metrics: Metrics, wire: Wire) -> None:
    wire.once("GetMetricData", MetricDataResults=[result("q0", {})])

    with pytest.raises(MetricsUnreadError, match="not told of"):
        metrics.read(ASKED)


def test_a_refusal_is_no_answer(metrics: Metrics, faults: Faults) -> None:
    with faults.refusing("GetMetricData", "AccessDenied"), pytest.raises(MetricsUnreadError):
        metrics.read(ASKED)


def test_five_hundred_queries_are_enough_for_every_policy() -> None:
    scores, own = 10, 5
    assert 2 * (own + 2 * scores) <= 500
    assert timedelta(seconds=ASKED.period) == timedelta(minutes=1)
