"""Metrics and alarms for the contract tests: published, made, waited for."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.localcloud.machines import create_queue, until


def now(client: Callable[..., Any], unique: str) -> datetime:
    """The virtual time, read off an alarm that was just made."""
    name = f"{unique}-clock"
    put_alarm(client, name, namespace="Clock")
    cloudwatch = client("cloudwatch")
    made = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    cloudwatch.delete_alarms(AlarmNames=[name])
    moment: datetime = made["AlarmConfigurationUpdatedTimestamp"]
    return moment


def publish(
    client: Callable[..., Any],
    namespace: str,
    *values: float,
    name: str = "Errors",
    dimensions: dict[str, str] | None = None,
    at: datetime | None = None,
) -> None:
    """Publish values of one metric."""
    datum: dict[str, Any] = {
        "MetricName": name,
        "Dimensions": as_dimensions(dimensions),
        "Values": list(values),
    }
    if at is not None:
        datum["Timestamp"] = at
    client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def as_dimensions(dimensions: dict[str, str] | None) -> list[dict[str, str]]:
    """Dimensions in the API's form."""
    return [{"Name": name, "Value": value} for name, value in (dimensions or {}).items()]


def put_alarm(
    client: Callable[..., Any],
    name: str,
    *,
    namespace: str,
    dimensions: dict[str, str] | None = None,
    **fields: Any,
) -> None:
    """An alarm on more than one error a minute, or on what `fields` say."""
    single = {
        "Namespace": namespace,
        "MetricName": "Errors",
        "Dimensions": as_dimensions(dimensions),
        "Period": 60,
        **({} if "ExtendedStatistic" in fields else {"Statistic": "Sum"}),
    }
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        **{
            **({} if "Metrics" in fields else single),
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            **fields,
        },
    )


def metric_query(
    ident: str, namespace: str, name: str, *, stat: str = "Sum", returned: bool = False
) -> dict[str, Any]:
    """A query of one metric, by the minute."""
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": []}
    return {
        "Id": ident,
        "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat},
        "ReturnData": returned,
    }


def alarm(client: Callable[..., Any], name: str) -> dict[str, Any]:
    """What DescribeAlarms says about one alarm of either kind."""
    answer = client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    described: dict[str, Any] = (answer["MetricAlarms"] + answer["CompositeAlarms"])[0]
    return described


def reach(client: Callable[..., Any], name: str, state: str) -> dict[str, Any]:
    """Wait until the alarm is in a state; the alarm then."""
    described: dict[str, Any] = until(
        lambda: alarm(client, name), lambda seen: seen["StateValue"] == state
    )
    return described


def listen(client: Callable[..., Any], name: str, pattern: dict[str, Any]) -> str:
    """A queue that receives the events of the default bus that match; its URL."""
    queue = create_queue(client, name)
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    rule = client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    client("sqs").set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [statement]})}
    )
    client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def minute(moment: datetime, before: int = 0) -> datetime:
    """The beginning of the minute, or of one some minutes before."""
    return moment.replace(second=0, microsecond=0) - timedelta(minutes=before)
