"""What nobody can handle is kept; what was taken away by people is no error."""

import json
from typing import Any

from tests.e2e.deliveries import uploads_handled
from tests.e2e.folders import plan
from tests.e2e.line import Line
from tests.e2e.stack import UNREADABLE

ASYNCHRONOUS = [
    *("ReconcileTargetFunction", "WatchRolloutFunction", "HandleAlarmFunction"),
    *("VerifyTargetsFunction", "CreateAliasFunction"),
]
_CHANGES = (
    "sagemaker:CreateEndpoint",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "sagemaker:DeleteEndpoint",
)
_LONG = {"min": 60, "max": 60, "last": 60}


def test_an_event_that_no_function_can_read_is_kept_for_people(churn: Line) -> None:
    event = {UNREADABLE: churn.name}
    for function in ASYNCHRONOUS:
        churn.stack.client("lambda").invoke(
            FunctionName=churn.stack.resources[function],
            InvocationType="Event",
            Payload=json.dumps(event),
        )

    letters: list[dict[str, Any]] = []
    churn.until(
        "each is kept", lambda: collect(churn, letters) == len(ASYNCHRONOUS) or None, minutes=10
    )

    assert [one["requestPayload"] for one in letters] == [event] * len(ASYNCHRONOUS)
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


def test_what_serves_goes_on_serving_when_its_package_is_deleted(churn: Line) -> None:
    users = churn.serve_first()

    arn = churn.package_arn(1)
    churn.stack.client("sagemaker").delete_model_package(ModelPackageName=arn)
    churn.until_event("PackageGone", 1)

    churn.until_serving({1: 100})
    assert churn.state()["phase"] == "Idle"
    assert users.errors == []


def test_a_holder_that_is_stopped_is_drained_and_its_canary_goes_back(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, rollout=plan(steps=[50, 100], bake_minutes=_LONG))
    churn.approve(2)
    churn.until_phase("Baking")
    churn.until_serving({1: 50, 2: 50})
    held, since = churn.state()["holder"], churn.now()

    stop(churn, held)
    replaced = churn.until_event("HolderReplaced", 2)
    assert churn.calls(*_CHANGES, since=since) == [], "nobody acts during the drain"
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert aborted["execution"] != held
    assert aborted["epoch"] == replaced["epoch"]
    assert churn.calls(*_CHANGES, since=since)[0] == _CHANGES[2], "first of all the traffic"
    assert churn.executions()[held] == "ABORTED"
    assert "bad" not in churn.state(), "the version is not to blame"
    assert users.errors == []


def test_an_endpoint_that_was_deleted_by_hand_is_put_up_again(churn: Line) -> None:
    churn.serve_first()
    churn.leave()
    settled = churn.history()[-1]["n"]

    churn.stack.client("sagemaker").delete_endpoint(EndpointName=churn.name)
    churn.until("it is gone", lambda: not churn.endpoint() or None)
    churn.until_event("RolledBack", 1, after=settled)
    churn.until_event("Settled", 1, after=settled)

    churn.until_serving({1: 100})
    assert "incident" not in churn.state()
    assert churn.state()["phase"] == "Idle"


def stop(line: Line, name: str) -> None:
    """Stop a rollout's execution, as a person or an outage would."""
    machine = line.stack.resources["RolloutStateMachine"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    line.stack.client("stepfunctions").stop_execution(executionArn=arn)


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
