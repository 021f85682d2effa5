"""Alarms that evaluate by themselves, on the virtual clock.

AWS: AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
AWS: AmazonCloudWatch/latest/monitoring/alarm-combining.html
AWS: AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
Model: cloudwatch.PutMetricAlarm
Model: cloudwatch.SetAlarmState
Model: cloudwatch.PutCompositeAlarm
"""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.machines import create_queue, receive
from tests.localcloud.monitoring import (
    alarm,
    listen,
    metric_query,
    minute,
    now,
    publish,
    put_alarm,
    reach,
)
from tests.localcloud.waiting import within


def test_a_new_alarm_has_no_data(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique)

    described = alarm(client, unique)

    assert described["StateValue"] == "INSUFFICIENT_DATA"
    assert described["StateReason"] == "Unchecked: Initial alarm creation"
    assert described["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{unique}"


def test_the_newest_datapoint_counts_at_once(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique)

    with within(3):
        publish(client, unique, 5.0)
        described = reach(client, unique, "ALARM")

    assert described["StateReason"].startswith(
        "Threshold Crossed: 1 out of the last 1 datapoints [5.0 ("
    )
    data = json.loads(described["StateReasonData"])
    assert data["recentDatapoints"] == [5.0]
    assert (data["statistic"], data["period"], data["threshold"]) == ("Sum", 60, 1.0)


def test_an_alarm_recovers_and_then_has_no_data(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique)
    publish(client, unique, 5.0)
    reach(client, unique, "ALARM")

    publish(client, unique, 0.0, at=now(client, unique) + timedelta(minutes=1))

    reach(client, unique, "OK")
    reach(client, unique, "INSUFFICIENT_DATA")


def test_missing_data_that_is_not_breaching_is_good(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique, TreatMissingData="notBreaching")

    described = reach(client, unique, "OK")

    assert "missing datapoint was treated as [NonBreaching]" in described["StateReason"]


def test_missing_data_that_is_breaching_alarms(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique, TreatMissingData="breaching")

    reach(client, unique, "ALARM")


def test_dimensions_are_matched_exactly(client: Any, unique: str) -> None:
    stable = {"EndpointName": unique, "VariantName": "stable"}
    canary = {**stable, "VariantName": "canary"}
    put_alarm(client, f"{unique}-stable", namespace=unique, dimensions=stable)
    put_alarm(client, f"{unique}-canary", namespace=unique, dimensions=canary)
    put_alarm(client, f"{unique}-none", namespace=unique)

    publish(client, unique, 9.0, dimensions=stable)

    reach(client, f"{unique}-stable", "ALARM")
    assert alarm(client, f"{unique}-canary")["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm(client, f"{unique}-none")["StateValue"] == "INSUFFICIENT_DATA"


def test_m_of_n_needs_m_breaching_datapoints(client: Any, unique: str) -> None:
    moment = minute(now(client, unique))
    for before, value in ((3, 0.0), (2, 9.0), (1, 0.0), (0, 9.0)):
        publish(client, unique, value, at=moment - timedelta(minutes=before))

    put_alarm(client, f"{unique}-2", namespace=unique, EvaluationPeriods=3, DatapointsToAlarm=2)
    put_alarm(client, f"{unique}-3", namespace=unique, EvaluationPeriods=3, DatapointsToAlarm=3)

    described = reach(client, f"{unique}-2", "ALARM")
    assert "2 out of the last 3 datapoints" in described["StateReason"]
    reach(client, f"{unique}-3", "OK")


def test_a_percentile_may_be_watched(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique, ExtendedStatistic="p90", Threshold=500000)

    publish(client, unique, *([1000.0] * 8), 600000.0, 600000.0)

    reach(client, unique, "ALARM")


def test_metric_math_may_be_watched(client: Any, unique: str) -> None:
    rate = {"Id": "rate", "Expression": "100 * errors / calls", "Label": "Error rate"}
    queries = [
        {**rate, "ReturnData": True},
        metric_query("errors", unique, "Errors"),
        metric_query("calls", unique, "Invocations"),
    ]
    put_alarm(client, unique, namespace=unique, Metrics=queries, Threshold=10)

    publish(client, unique, 1.0)
    time.sleep(0.5)
    assert alarm(client, unique)["StateValue"] == "INSUFFICIENT_DATA"
    moment = now(client, unique)
    publish(client, unique, 3.0, at=moment)
    publish(client, unique, 20.0, name="Invocations", at=moment)

    described = reach(client, unique, "ALARM")
    assert described["Metrics"][0]["Expression"] == "100 * errors / calls"
    assert "MetricName" not in described


def test_too_little_is_judged_by_whole_minutes(client: Any, unique: str) -> None:
    moment = minute(now(client, unique))
    for later in range(-1, 4):  # long enough that a slow machine makes the alarm meanwhile
        publish(client, unique, 50.0, at=moment + timedelta(minutes=later))
    publish(client, unique, 1.0, at=moment + timedelta(minutes=4))

    put_alarm(
        client,
        unique,
        namespace=unique,
        ComparisonOperator="LessThanThreshold",
        Threshold=10,
    )

    reach(client, unique, "OK")
    reach(client, unique, "ALARM")


def test_a_change_of_state_is_an_event_in_the_published_form(client: Any, unique: str) -> None:
    queue = listen(
        client, unique, {"source": ["aws.cloudwatch"], "detail": {"alarmName": [unique]}}
    )
    dimensions = {"EndpointName": "churn", "VariantName": "v4"}
    put_alarm(
        client, unique, namespace=unique, dimensions=dimensions, AlarmDescription="Too many errors"
    )

    publish(client, unique, 5.0, dimensions=dimensions)

    event = receive(client, queue)
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{unique}"
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [arn]
    detail = event["detail"]
    assert detail["state"]["value"] == "ALARM"
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [5.0]
    assert detail["state"]["timestamp"].endswith("+0000")
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["previousState"]["reason"] == "Unchecked: Initial alarm creation"
    assert "reasonData" not in detail["previousState"]
    assert detail["configuration"]["description"] == "Too many errors"
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": unique, "name": "Errors", "dimensions": dimensions},
        "period": 60,
        "stat": "Sum",
    }
    assert metric["returnData"] is True


def test_the_event_of_a_math_alarm_lists_its_queries(client: Any, unique: str) -> None:
    queue = listen(
        client, unique, {"source": ["aws.cloudwatch"], "detail": {"alarmName": [unique]}}
    )
    total = {"Id": "e1", "Expression": "SUM(METRICS())", "Label": "Total", "ReturnData": True}
    put_alarm(
        client, unique, namespace=unique, Metrics=[total, metric_query("m1", unique, "Errors")]
    )

    publish(client, unique, 5.0)

    first, second = receive(client, queue)["detail"]["configuration"]["metrics"]
    assert first == {
        "id": "e1",
        "expression": "SUM(METRICS())",
        "label": "Total",
        "returnData": True,
    }
    assert second["metricStat"]["metric"] == {
        "namespace": unique,
        "name": "Errors",
        "dimensions": {},
    }
    assert second["returnData"] is False


def test_a_set_state_is_an_event_and_is_taken_back(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique, TreatMissingData="notBreaching")
    reach(client, unique, "OK")
    queue = listen(
        client, unique, {"source": ["aws.cloudwatch"], "detail": {"alarmName": [unique]}}
    )

    client("cloudwatch").set_alarm_state(
        AlarmName=unique, StateValue="ALARM", StateReason="a drill"
    )

    drill, back = receive(client, queue)["detail"], receive(client, queue)["detail"]
    assert (drill["state"]["value"], drill["state"]["reason"]) == ("ALARM", "a drill")
    assert back["previousState"] == drill["state"]
    assert back["state"]["value"] == "OK"


def test_a_composite_alarm_follows_its_children(client: Any, unique: str) -> None:
    for child in ("errors", "latency"):
        put_alarm(
            client,
            f"{unique}-{child}",
            namespace=f"{unique}-{child}",
            TreatMissingData="notBreaching",
        )
        reach(client, f"{unique}-{child}", "OK")
    rule = f'ALARM("{unique}-errors") AND NOT ALARM("{unique}-latency")'
    made = now(client, unique)
    client("cloudwatch").put_composite_alarm(AlarmName=unique, AlarmRule=rule)
    reach(client, unique, "OK")
    found = client("cloudwatch").describe_alarms(AlarmNames=[unique], AlarmTypes=["CompositeAlarm"])
    (composite,) = found["CompositeAlarms"]
    assert composite["AlarmConfigurationUpdatedTimestamp"] >= made
    queue = listen(
        client, unique, {"source": ["aws.cloudwatch"], "detail": {"alarmName": [unique]}}
    )

    publish(client, f"{unique}-errors", 5.0)

    reach(client, unique, "ALARM")
    detail = receive(client, queue)["detail"]
    assert detail["configuration"] == {"alarmRule": rule}
    (trigger,) = json.loads(detail["state"]["reasonData"])["triggeringAlarms"]
    assert trigger["arn"].endswith(f":{unique}-errors")
    assert trigger["state"]["value"] == "ALARM"
    assert detail["previousState"]["value"] == "OK"
    publish(client, f"{unique}-latency", 5.0)
    reach(client, unique, "OK")


def test_an_action_publishes_to_its_topic(client: Any, unique: str) -> None:
    topic = client("sns").create_topic(Name=unique)["TopicArn"]
    queue = create_queue(client, unique)
    client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{unique}",
        Attributes={"RawMessageDelivery": "true"},
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:us-east-1:123456789012:{unique}",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    put_alarm(client, unique, namespace=unique, AlarmActions=[topic])

    publish(client, unique, 5.0)

    message = receive(client, queue)
    assert (message["AlarmName"], message["NewStateValue"]) == (unique, "ALARM")


def test_the_history_of_an_alarm_is_kept(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique)
    publish(client, unique, 5.0)
    reach(client, unique, "ALARM")

    history = client("cloudwatch").describe_alarm_history(
        AlarmName=unique, ScanBy="TimestampAscending"
    )

    kinds = [item["HistoryItemType"] for item in history["AlarmHistoryItems"]]
    assert kinds == ["ConfigurationUpdate", "StateUpdate"]
    summary = history["AlarmHistoryItems"][1]["HistorySummary"]
    assert summary == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def test_alarms_are_found_by_prefix_and_state_and_page(client: Any, unique: str) -> None:
    for number in range(5):
        put_alarm(client, f"{unique}-{number}", namespace=unique, ActionsEnabled=False)
    cloudwatch = client("cloudwatch")

    pages = list(
        cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=unique, StateValue="INSUFFICIENT_DATA", MaxRecords=2
        )
    )

    names = [item["AlarmName"] for page in pages for item in page["MetricAlarms"]]
    assert names == [f"{unique}-{number}" for number in range(5)]
    assert len(pages) == 3
    cloudwatch.enable_alarm_actions(AlarmNames=[f"{unique}-0"])
    assert alarm(client, f"{unique}-0")["ActionsEnabled"] is True


def test_a_changed_alarm_keeps_its_state(client: Any, unique: str) -> None:
    put_alarm(client, unique, namespace=unique, TreatMissingData="ignore")
    publish(client, unique, 5.0)
    reach(client, unique, "ALARM")

    put_alarm(client, unique, namespace=f"{unique}-other", TreatMissingData="ignore", Threshold=3)

    time.sleep(0.5)
    described = alarm(client, unique)
    assert (described["StateValue"], described["Threshold"]) == ("ALARM", 3.0)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"EvaluationPeriods": 2, "DatapointsToAlarm": 3}, id="M above N"),
        pytest.param({"Period": 45}, id="no such period"),
        pytest.param({"Statistic": "Median"}, id="no such statistic"),
        pytest.param({"TreatMissingData": "whatever"}, id="no such treatment"),
        pytest.param({"ComparisonOperator": "IsOdd"}, id="no such comparison"),
        pytest.param(
            {"Metrics": [{"Id": "e", "Expression": "m1 +", "ReturnData": True}]}, id="malformed"
        ),
        pytest.param(
            {"Metrics": [{"Id": "e", "Expression": "m1 + 1", "ReturnData": True}]}, id="unknown id"
        ),
    ],
)
def test_a_malformed_alarm_is_refused(client: Any, unique: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=r"\(Validation"):
        put_alarm(client, unique, namespace=unique, **fields)


def test_the_role_of_a_caller_is_asked_for_the_alarm_and_the_namespace(
    client: Any, unique: str
) -> None:
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{unique}-*"
    statements = [
        {
            "Effect": "Allow",
            "Action": ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
            "Resource": arn,
        },
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": unique}},
        },
    ]
    iam = client("iam")
    iam.create_user(UserName=unique)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=unique, PolicyName="own", PolicyDocument=policy)
    keys = iam.create_access_key(UserName=unique)["AccessKey"]
    named = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
    }

    def caller(service: str) -> Any:
        return client(service, **named)

    put_alarm(caller, f"{unique}-a", namespace=unique)
    put_alarm(client, f"other-{unique}", namespace=unique)
    publish(caller, unique, 1.0)

    with pytest.raises(ClientError, match="AccessDenied"):
        put_alarm(caller, f"other-{unique}", namespace=unique)
    with pytest.raises(ClientError, match="AccessDenied"):
        publish(caller, f"other-{unique}", 1.0)
    with pytest.raises(ClientError, match="AccessDenied"):
        caller("cloudwatch").delete_alarms(AlarmNames=[f"{unique}-a", f"other-{unique}"])
    with pytest.raises(ClientError, match="AccessDenied"):
        caller("cloudwatch").describe_alarms()
    assert alarm(client, f"{unique}-a")
    caller("cloudwatch").delete_alarms(AlarmNames=[f"{unique}-a"])
