"""CloudWatch: what variants did, read in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient

    from sluice.domain.tally import Asked, Number, Readings


class MetricsUnreadError(Exception):
    """CloudWatch did not answer, or not completely."""


class Metrics:
    """Series of CloudWatch metrics."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read(self, asked: Asked) -> Readings:
        """The values of every column, by the beginning of their periods.

        One GetMetricData, however much is asked for: it takes 500 queries, of which a rollout's
        policy can cause 48 at most. An answer may come in pages, and its periods in any order.
        Raises MetricsUnreadError, also for an answer that lacks anything: a part is no answer.
        """
        names = {f"q{number}": column for number, column in enumerate(asked.columns)}
        found: dict[str, dict[datetime, Number]] = {column: {} for column in names.values()}
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=list(_queries(asked)), StartTime=asked.since, EndTime=asked.until
        )
        incomplete = dict.fromkeys(names, "not told of")
        try:
            for result in (one for page in pages for one in page["MetricDataResults"]):
                points = zip(result["Timestamps"], result["Values"], strict=True)
                found[names[result["Id"]]].update((at, _exact(value)) for at, value in points)
                incomplete[result["Id"]] = str(result["StatusCode"])
        except (BotoCoreError, ClientError) as error:
            raise MetricsUnreadError(str(error)) from error
        lacking = {names[id_]: why for id_, why in incomplete.items() if why != "Complete"}
        if lacking:
            raise MetricsUnreadError(str(lacking))
        return found


def _queries(asked: Asked) -> Iterable[Any]:
    for number, (series, dimensions) in enumerate(asked.columns.values()):
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        yield {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": series.namespace,
                    "MetricName": series.metric,
                    "Dimensions": named,
                },
                "Period": asked.period,
                "Stat": series.stat,
            },
        }


def _exact(value: float) -> Number:
    """Counts are whole numbers, though CloudWatch calls everything a double."""
    return int(value) if float(value).is_integer() else float(value)
