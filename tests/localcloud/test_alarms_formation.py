"""Alarms and dashboards in CloudFormation stacks.

AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-compositealarm.html
AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-dashboard.html
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.monitoring import alarm, metric_query, publish, reach


def template(namespace: str, threshold: str) -> str:
    """A stack of a metric alarm, a math alarm, a composite of both, and a dashboard."""
    common = {"EvaluationPeriods": "1", "ComparisonOperator": "GreaterThanThreshold"}
    single = {
        "Namespace": namespace,
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": "60",
        "Dimensions": [{"Name": "EndpointName", "Value": "churn"}],
        "TreatMissingData": "notBreaching",
    }
    rate = {"Id": "rate", "Expression": "errors / 2", "Label": "Half", "ReturnData": True}
    math = {"Metrics": [rate, metric_query("errors", namespace, "Errors")]}
    rule = {"Fn::Sub": 'ALARM("${Single}") OR ALARM("${Math}")'}
    kinds = {
        "Single": ("Alarm", {**common, **single, "Threshold": threshold}),
        "Math": ("Alarm", {**common, **math, "Threshold": threshold}),
        "Both": ("CompositeAlarm", {"AlarmName": f"{namespace}-both", "AlarmRule": rule}),
        "Board": ("Dashboard", {"DashboardName": namespace, "DashboardBody": '{"widgets":[]}'}),
    }
    resources = {
        name: {"Type": f"AWS::CloudWatch::{kind}", "Properties": properties}
        for name, (kind, properties) in kinds.items()
    }
    outputs: dict[str, Any] = {
        name: {"Value": {"Ref": name}} for name in ("Single", "Math", "Both")
    }
    outputs["Arn"] = {"Value": {"Fn::GetAtt": ["Single", "Arn"]}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def deploy(client: Any, verb: str, stack: str, body: str) -> dict[str, str]:
    """Create or update a stack and wait; its outputs."""
    formation = client("cloudformation")
    getattr(formation, f"{verb}_stack")(StackName=stack, TemplateBody=body)
    waiter = formation.get_waiter(f"stack_{verb}_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    described = formation.describe_stacks(StackName=stack)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}


def test_a_stack_makes_alarms_of_every_kind_that_evaluate(client: Any, unique: str) -> None:
    made = deploy(client, "create", unique, template(unique, "1"))

    assert made["Arn"] == alarm(client, made["Single"])["AlarmArn"]
    reach(client, made["Single"], "OK")
    publish(client, unique, 5.0)
    reach(client, made["Math"], "ALARM")
    reach(client, made["Both"], "ALARM")
    assert alarm(client, made["Single"])["StateValue"] == "OK"


def test_an_updated_stack_changes_its_alarms_in_place(client: Any, unique: str) -> None:
    made = deploy(client, "create", unique, template(unique, "1"))

    updated = deploy(client, "update", unique, template(unique, "99.5"))

    assert updated == made
    assert alarm(client, made["Single"])["Threshold"] == 99.5
    assert alarm(client, made["Math"])["Threshold"] == 99.5


def test_a_deleted_stack_takes_its_alarms_and_dashboard_along(client: Any, unique: str) -> None:
    made = deploy(client, "create", unique, template(unique, "1"))

    client("cloudformation").delete_stack(StackName=unique)
    waiter = client("cloudformation").get_waiter("stack_delete_complete")
    waiter.wait(StackName=unique, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    left = client("cloudwatch").describe_alarms(
        AlarmNames=[made["Single"], made["Math"], made["Both"]],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    assert (left["MetricAlarms"], left["CompositeAlarms"]) == ([], [])
    with pytest.raises(ClientError):
        client("cloudwatch").get_dashboard(DashboardName=unique)
