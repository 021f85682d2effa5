"""What the bus delivers has the members and types of the events AWS publishes, and no others.

`published/README.md` names the page of each example.

AWS: AmazonS3/latest/userguide/ev-events.html
AWS: sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
AWS: AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
AWS: step-functions/latest/dg/cw-events.html
AWS: eventbridge/latest/userguide/event-reference.html
"""

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from tests.localcloud.conftest import Clients
from tests.localcloud.machines import create_machine, finish, start
from tests.localcloud.monitoring import metric_query, now, publish, put_alarm, reach
from tests.localcloud.publications import differences, published
from tests.localcloud.queues import create_queue, receive
from tests.localcloud.sagemaker_world import World
from tests.localcloud.waiting import until

CONTAINER = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1", "ModelDataUrl": "s3://a"}
METRICS = {"ModelQuality": {"Statistics": {"ContentType": "text/csv", "S3Uri": "s3://a/c"}}}
UNMUTED = {"/detail/muteDetail"}
NO_SUPPRESSOR = {
    "/detail/configuration/actionsSuppressor",
    "/detail/configuration/actionsSuppressorExtensionPeriod",
    "/detail/configuration/actionsSuppressorWaitPeriod",
    "/detail/state/actionsSuppressedBy",
    "/detail/state/actionsSuppressedReason",
}
FULL_VARIANT = {
    "/detail/ProductionVariants[]/CurrentInstanceCount",
    "/detail/ProductionVariants[]/CurrentWeight",
    "/detail/ProductionVariants[]/VariantName",
}


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    """A corner of the account for one test."""
    return World(client, unique)


def first(seen: Callable[[], list[dict[str, Any]]], **detail: Any) -> dict[str, Any]:
    """The first event that tells just these things in its detail."""

    def matching() -> list[dict[str, Any]]:
        return [one for one in seen() if detail.items() <= one["detail"].items()]

    found: list[dict[str, Any]] = until(matching, f"an event tells {detail}", seconds=20)
    return found[0]


def test_an_object_created_is_told_as_published(world: World) -> None:
    # AmazonS3/latest/userguide/ev-events.html; the tags are of buckets CloudFormation made.
    s3 = world.client("s3")
    seen = world.watch({"source": ["aws.s3"], "detail": {"bucket": {"name": [world.name]}}})
    s3.create_bucket(Bucket=world.name)
    s3.put_bucket_versioning(Bucket=world.name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=world.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket=world.name, Key="k", Body=b"hello")
    told = first(seen, reason="PutObject")
    unstacked = {"/detail/bucket/aws-generated-tags"}
    assert differences(published("s3_object_created"), told, absent=unstacked) == []


def test_an_approval_is_told_as_published(world: World) -> None:
    # sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html, model package state change.
    seen = world.watch(
        {"source": ["aws.sagemaker"], "detail": {"ModelPackageGroupName": [world.name]}}
    )
    world.sagemaker.create_model_package_group(ModelPackageGroupName=world.name)
    arn = world.sagemaker.create_model_package(
        ModelPackageGroupName=world.name,
        InferenceSpecification={
            "Containers": [{**CONTAINER, "ImageDigest": f"sha256:{'0' * 64}"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        MetadataProperties={"GeneratedBy": "pipeline"},
        ModelMetrics=METRICS,
        ModelLifeCycle={"Stage": "Test", "StageStatus": "Approved", "StageDescription": "d"},
    )["ModelPackageArn"]
    world.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    told = first(seen, ModelApprovalStatus="Approved")
    assert differences(published("sagemaker_model_package"), told) == []


def test_an_endpoint_in_service_is_told_as_published(world: World) -> None:
    # Same page, endpoint state change; a variant has what DescribeEndpoint's summary has.
    seen = world.watch({"source": ["aws.sagemaker"], "detail": {"EndpointName": [world.name]}})
    world.endpoint(world.config("c", A=(world.model("a"), 1)))
    told = first(seen, EndpointStatus="IN_SERVICE")
    assert differences(published("sagemaker_endpoint"), told, beside=FULL_VARIANT) == []


def alarms(world: World) -> Callable[[], list[dict[str, Any]]]:
    """Events of the alarms whose names begin with the test's."""
    named = {"alarmName": [{"prefix": world.name}]}
    return world.watch({"source": ["aws.cloudwatch"], "detail": named})


def alarmed(seen: Callable[[], list[dict[str, Any]]], name: str) -> dict[str, Any]:
    """The first event by which this alarm was in ALARM."""
    found: dict[str, Any] = until(
        lambda: next((one for one in seen() if _is_alarm(one, name)), None), "it is told"
    )
    return found


def _is_alarm(event: dict[str, Any], name: str) -> bool:
    detail = event["detail"]
    return bool(detail["alarmName"] == name and detail["state"]["value"] == "ALARM")


def test_an_alarm_of_one_metric_is_told_as_published(world: World) -> None:
    # AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html.
    seen, name = alarms(world), world.name
    put_alarm(world.client, name, namespace=name, AlarmDescription="d", dimensions={"A": "b"})
    publish(world.client, name, 0.5, dimensions={"A": "b"})
    reach(world.client, name, "OK")
    publish(world.client, name, 99.5, dimensions={"A": "b"})
    told = alarmed(seen, name)
    assert differences(published("cloudwatch_alarm_single_metric"), told, absent=UNMUTED) == []


def test_an_alarm_of_metric_math_is_told_as_published(world: World) -> None:
    # Same page; the first event of an alarm tells what it was created as.
    seen, name = alarms(world), world.name
    queries = [
        {"Id": "e1", "Expression": "m1 + m2", "Label": "both", "ReturnData": True},
        metric_query("m1", name, "Errors"),
        metric_query("m2", name, "Faults"),
    ]
    put_alarm(world.client, name, namespace=name, AlarmDescription="d", Metrics=queries)
    moment = now(world.client, name)  # one minute for both
    publish(world.client, name, 5.5, at=moment)
    publish(world.client, name, 5.5, name="Faults", at=moment)
    told = alarmed(seen, name)
    assert differences(published("cloudwatch_alarm_metric_math"), told, absent=UNMUTED) == []


def test_a_composite_alarm_is_told_as_published(world: World) -> None:
    # Same page; what tells of a suppressor is there when there is one.
    seen, name = alarms(world), world.name
    put_alarm(world.client, f"{name}-child", namespace=name)
    publish(world.client, name, 0.5)
    reach(world.client, f"{name}-child", "OK")
    world.client("cloudwatch").put_composite_alarm(
        AlarmName=name, AlarmRule=f'ALARM("{name}-child")'
    )
    reach(world.client, name, "OK")
    publish(world.client, name, 5.0)
    told = alarmed(seen, name)
    example = published("cloudwatch_alarm_composite")
    assert differences(example, told, absent=UNMUTED | NO_SUPPRESSOR) == []


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("started", {"Type": "Succeed", "Output": "Hello World!"}),
        ("succeeded", {"Type": "Succeed", "Output": "Hello World!"}),
        ("failed", {"Type": "Fail", "Error": "Why", "Cause": "because"}),
    ],
)
def test_an_execution_is_told_as_published(world: World, status: str, end: dict[str, Any]) -> None:
    # step-functions/latest/dg/cw-events.html: "the same information as DescribeExecution".
    seen = world.watch({"source": ["aws.states"], "detail": {"name": [world.name]}})
    machine = create_machine(world.client, world.name, {"End": end})
    finish(world.client, start(world.client, machine, name=world.name))
    told = first(seen, status="RUNNING" if status == "started" else status.upper())
    model = botocore.session.get_session().get_service_model("stepfunctions")
    known = model.operation_model("DescribeExecution").output_shape.members
    beside = {f"/detail/{name}" for name in known}
    assert differences(published(f"states_execution_{status}"), told, beside=beside) == []


def test_a_tick_of_a_rule_is_told_as_published(client: Clients, unique: str) -> None:
    # eventbridge/latest/userguide/event-reference.html, Scheduled Event.
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{unique}"
    url, queue = create_queue(client, unique, "events.amazonaws.com", arn)
    client("events").put_rule(Name=unique, ScheduleExpression="rate(5 minutes)")
    client("events").put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": queue}])
    (message,) = receive(client, url, 1)
    client("events").disable_rule(Name=unique)
    assert differences(published("events_scheduled"), json.loads(message["Body"])) == []


def test_differences_are_seen() -> None:
    # Ours: a comparison that finds nothing must be one that could.
    example = {"a": 1, "b": [{"c": "x"}], "d": None, "reasonData": '{"e": 1.5}'}
    assert differences(example, {**example, "d": {"any": "thing"}}) == []
    assert differences(example, {"b": [{"c": 1}], "x": 0, "d": 1, "reasonData": '{"e": 1}'}) == [
        "/a is absent",
        "/x is unknown",
        "/b[]/c is int, not str",
        "/reasonData()/e is int, not float",
    ]
