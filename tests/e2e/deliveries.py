"""Events on their way: lost on purpose, written down, delivered once more."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from tests.e2e.line import Line

APPROVALS = "ReconcileTargetFunctionApprovalChanged"
ALARMS = "HandleAlarmFunctionAlarmFired"
UPLOADS = "UploadRule"
_QUIET_LOOKS = 5


@contextlib.contextmanager
def losing(line: Line, rule: str) -> Iterator[None]:
    """The events of one line that `rule` would deliver are lost, at least one; others arrive."""
    with _struck(line, rule, kind="drop"):
        yield


@contextlib.contextmanager
def late(line: Line, rule: str, *, minutes: float) -> Iterator[None]:
    """The events of one line that `rule` delivers come so much later, also when this is over."""
    with _struck(line, rule, kind="delay", seconds=minutes * 60):
        yield


@contextlib.contextmanager
def _struck(line: Line, rule: str, **fault: Any) -> Iterator[None]:
    name = f"{fault['kind']} for {line.name} by {rule}"
    chosen = {"name": name, "rule": line.stack.resources[rule], "about": line.name, **fault}
    line.stack.control("deliveries", chosen)
    try:
        yield
    finally:
        told = line.stack.control("deliveries", {"name": name})
    (struck,) = (one["struck"] for one in told if one["name"] == name)
    assert struck > 0, "nothing was lost or late: the test proves nothing"


@contextlib.contextmanager
def recorded(line: Line) -> Iterator["Recording"]:
    """Every event about one line, as the stack's own rules get it."""
    events, sqs = line.stack.client("events"), line.stack.client("sqs")
    rule = events.put_rule(Name=line.name, EventPattern=json.dumps(_about(line)))["RuleArn"]
    queue = sqs.create_queue(QueueName=line.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": _open_to(rule, arn)})
    events.put_targets(Rule=line.name, Targets=[{"Id": "recording", "Arn": arn}])
    try:
        yield Recording(line, queue)
    finally:
        events.remove_targets(Rule=line.name, Ids=["recording"])
        events.delete_rule(Name=line.name)
        sqs.delete_queue(QueueUrl=queue)


class Recording:
    """The events that came while it was recorded."""

    def __init__(self, line: Line, queue: str) -> None:
        self._line = line
        self._queue = queue

    def events(self) -> list[dict[str, Any]]:
        """Every event, oldest first; empties the recording."""
        sqs, found, quiet = self._line.stack.client("sqs"), [], 0
        while quiet < _QUIET_LOOKS:
            got = sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
            messages = got.get("Messages", [])
            for message in messages:
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            found += [json.loads(message["Body"]) for message in messages]
            quiet = 0 if messages else quiet + 1
            time.sleep(0.05)
        return sorted(found, key=lambda event: event["time"])


def deliver(line: Line, event: dict[str, Any]) -> None:
    """Deliver an event once more to where the template's rules send it."""
    match event["source"], event["detail-type"]:
        case "aws.s3", _:
            send_upload(line, event)
        case "aws.cloudwatch", _:
            if event["detail"]["state"]["value"] == "ALARM":
                invoke(line, "HandleAlarmFunction", event)
        case "aws.sagemaker", "SageMaker Endpoint State Change":
            invoke(line, "WatchRolloutFunction", event)
        case _:
            invoke(line, "ReconcileTargetFunction", event)


def invoke(line: Line, function: str, event: dict[str, Any]) -> Any:
    """Hand an event to a function and wait for its answer, which must not be an error."""
    told = line.stack.client("lambda").invoke(
        FunctionName=line.stack.resources[function], Payload=json.dumps(event).encode()
    )
    answer = json.loads(told["Payload"].read())
    assert "FunctionError" not in told, answer
    return answer


def send_upload(line: Line, event: dict[str, Any]) -> None:
    """Put S3's event into the queue of uploads, as its rule does."""
    line.stack.client("sqs").send_message(
        QueueUrl=line.stack.resources["Uploads"], MessageBody=json.dumps(event)
    )


def uploads_handled(line: Line) -> int:
    """How many messages about this line's objects have been taken up, by the function's log."""
    pages = line.stack.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(
        logGroupName=line.stack.resources["FunctionLogs"],
        filterPattern=f'"upload handled" "{line.name}"',
    )
    return sum(len(page["events"]) for page in found)


def an_upload_event(line: Line, key: str, version_id: str) -> dict[str, Any]:
    """What S3 says when an object was created."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "123456789012",
        "time": line.now(),
        "region": "us-east-1",
        "resources": [f"arn:aws:s3:::{line.stack.bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": line.stack.bucket},
            "object": {"key": key, "version-id": version_id, "sequencer": "617f08299329d189"},
            "reason": "PutObject",
        },
    }


def an_approval_event(line: Line, version: int, status: str) -> dict[str, Any]:
    """What SageMaker says when a person changed an approval status."""
    arn = line.package_arn(version)
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": "123456789012",
        "time": line.now(),
        "region": "us-east-1",
        "resources": [arn],
        "detail": {
            "ModelPackageGroupName": line.name,
            "ModelPackageArn": arn,
            "ModelPackageVersion": version,
            "ModelApprovalStatus": status,
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
        },
    }


def _about(line: Line) -> dict[str, Any]:
    return {
        "source": ["aws.s3", "aws.sagemaker", "aws.cloudwatch", "aws.states"],
        "$or": [
            {"detail": {"object": {"key": [{"prefix": f"models/{line.name}-v"}]}}},
            {"detail": {"ModelPackageGroupName": [line.name]}},
            {"detail": {"EndpointName": [line.name]}},
            {"detail": {"alarmName": [{"prefix": f"sluice-{line.name}-"}]}},
            {"detail": {"name": [{"prefix": f"{line.name}-g"}]}},
        ],
    }


def _open_to(rule: str, queue: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
