"""CloudWatch: how many instances of a variant served at its busiest."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sluice.domain.scaling import PEAK_HOURS, most_instances

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient


class Peaks:
    """Invocations of a variant, and the same divided by its instances, minute by minute."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def instances(self, endpoint: str, variant: str, *, now: datetime) -> int:
        """The most instances that served in any minute of the last day; 0 if none did.

        There is no metric of instance counts itself that every endpoint has.
        """
        each: dict[str, dict[Any, float]] = {"all": {}, "each": {}}
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[
                _sums("all", "Invocations", endpoint, variant),
                _sums("each", "InvocationsPerInstance", endpoint, variant),
            ],
            StartTime=now - timedelta(hours=PEAK_HOURS),
            EndTime=now,
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                points = zip(result["Timestamps"], result["Values"], strict=True)
                each[result["Id"]].update(points)
        minutes = each["all"].items()
        return most_instances((sums, each["each"].get(minute, 0)) for minute, sums in minutes)


def _sums(id_: str, metric: str, endpoint: str, variant: str) -> Any:
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint},
        {"Name": "VariantName", "Value": variant},
    ]
    named = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": id_, "MetricStat": {"Metric": named, "Period": 60, "Stat": "Sum"}}
