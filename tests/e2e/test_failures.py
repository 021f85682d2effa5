"""What nobody can handle is kept; what was taken away by people is no error."""

import json
from typing import Any

from tests.e2e.deliveries import uploads_handled
from tests.e2e.line import Line
from tests.e2e.stack import UNREADABLE

ASYNCHRONOUS = ["ReconcileTargetFunction", "WatchRolloutFunction", "HandleAlarmFunction"]


def test_an_event_that_no_function_can_read_is_kept_for_people(churn: Line) -> None:
    event = {UNREADABLE: churn.name}
    for function in ASYNCHRONOUS:
        churn.stack.client("lambda").invoke(
            FunctionName=churn.stack.resources[function],
            InvocationType="Event",
            Payload=json.dumps(event),
        )

    letters: list[dict[str, Any]] = []
    churn.until("each is kept", lambda: collect(churn, letters) == 3 or None, minutes=10)

    assert [one["requestPayload"] for one in letters] == [event] * 3
    assert {one["requestContext"]["condition"] for one in letters} == {"RetriesExhausted"}
    assert {one["requestContext"]["approximateInvokeCount"] for one in letters} == {3}
    functions = {one["requestContext"]["functionArn"].split(":")[6] for one in letters}
    assert functions == {churn.stack.resources[one] for one in ASYNCHRONOUS}


def test_a_group_that_people_deleted_stops_nobody(churn: Line) -> None:
    churn.push(1)
    churn.until("each upload is handled twice", lambda: uploads_handled(churn) >= 6 or None)
    sagemaker, since = churn.stack.client("sagemaker"), churn.now()
    sagemaker.delete_model_package(ModelPackageName=churn.package_arn(1))
    sagemaker.delete_model_package_group(ModelPackageGroupName=churn.name)

    churn.until("the schedule has looked for the group", lambda: looked_for(churn, since) or None)

    assert churn.history() == []


def looked_for(line: Line, since: str) -> list[dict[str, Any]]:
    """The questions of a role whether the line's group exists."""
    asked = "sagemaker:DescribeModelPackageGroup"
    return [call for call in line.stack.calls(line.name, since) if call["action"] == asked]


def collect(line: Line, letters: list[dict[str, Any]]) -> int:
    """Take the line's messages out of those nobody could handle; how many there are by now."""
    sqs, queue = line.stack.client("sqs"), line.stack.resources["DeadLetters"]
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    for message in found.get("Messages", []):
        if line.name in message["Body"]:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            letters.append(json.loads(message["Body"]))
    return len(letters)
