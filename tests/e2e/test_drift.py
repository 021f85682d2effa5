"""What was changed by hand is told once; so is a way back that is gone, and no canary begins."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.application import PROFILE, Application
from tests.e2e.folders import IMAGE_TAG, IMAGE_URI, MANIFEST, REPOSITORY, plan
from tests.e2e.line import Line
from tests.e2e.stack import Stack
from tests.e2e.test_judge import sluice

MODEL = PROFILE.removeprefix("us.")
ASKED = {
    *("lambda:GetAlias", "lambda:GetFunctionConfiguration"),
    *("bedrock:GetInferenceProfile", "bedrock:GetFoundationModel", "bedrock:InvokeModel"),
}
"""Of an alias and the versions behind it, and of the model that its way back needs."""
AT_ONCE = plan(strategy="all_at_once", bake_minutes={"min": 1, "max": 1, "last": 1})


class Told:
    """What is told of a line while the schedule comes every five minutes: events and mails."""

    def __init__(self, line: Line, queue: str) -> None:
        self._line, self._queue = line, queue
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.mails: list[str] = []

    def until(self, event: str, *, findings: int = 0) -> dict[str, Any]:
        """The detail of the event, once it was told; with so many findings, if that is said."""

        def look() -> dict[str, Any] | None:
            self._hear()
            return next(iter(self.details(event, findings=findings)), None)

        return self._line.until(f"{event} is told", look, minutes=30)

    def details(self, event: str, *, findings: int = 0) -> list[dict[str, Any]]:
        """The details of what was heard of the event; of those with so many findings, if said."""
        found = [detail for one, detail in self.events if one == event]
        return [one for one in found if not findings or len(one["findings"]) == findings]

    def until_looked_at_again(self) -> None:
        """The schedule has come twice more, and what it told was heard."""
        since = _looks(self._line)

        def look() -> bool | None:
            self._hear()
            return _looks(self._line) > since + 1 or None

        self._line.until("it was looked at", look)
        self._hear()

    def _hear(self) -> None:
        _comes(self._line.stack, "rate(5 minutes)")  # another test may have ended since
        sqs, url = self._line.stack.client("sqs"), self._queue
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
                self._take(one["Body"])

    def _take(self, body: str) -> None:
        if body.startswith("{"):
            event = json.loads(body)
            self.events.append((event["detail-type"], event["detail"]))
        elif self._line.name in body:
            self.mails.append(body)


@pytest.fixture
def told(stack: Stack, churn: Line) -> Iterator[Told]:
    """What is told of the line."""
    sqs, name = stack.client("sqs"), f"told-{churn.name}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events, sns = stack.client("events"), stack.client("sns")
    pattern = {"source": ["sluice"], "detail": {"target": [f"endpoint/{churn.name}"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "told", "Arn": arn}])
    subscribed = sns.subscribe(
        TopicArn=stack.resources["Notifications"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    yield Told(churn, url)
    _comes(stack, "rate(4 hours)")
    sns.unsubscribe(SubscriptionArn=subscribed)
    events.remove_targets(Rule=name, Ids=["told"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def _comes(stack: Stack, expression: str) -> None:
    """Let the schedule come so often."""
    events, rule = stack.client("events"), stack.resources["VerifyTargetsFunctionTick"]
    if events.describe_rule(Name=rule)["ScheduleExpression"] != expression:
        events.put_rule(Name=rule, ScheduleExpression=expression)


def _looks(line: Line) -> int:
    """How often the line's target was looked at, by the function's log."""
    pages = line.stack.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(
        logGroupName=line.stack.resources["FunctionLogs"],
        filterPattern=f'"targets verified" "{line.name}"',
    )
    return sum(len(page["events"]) for page in found)


def own_image(line: Line) -> str:
    """An image in ECR that only this line's version uses."""
    digest = f"sha256:{line.name[-8:] * 8}"
    manifest = {**MANIFEST, "config": {**MANIFEST["config"], "digest": digest}}  # type: ignore[dict-item]
    line.stack.client("ecr").put_image(
        repositoryName=REPOSITORY, imageTag=line.name, imageManifest=json.dumps(manifest)
    )
    return line.name


def leads_elsewhere(line: Line) -> str:
    """Somebody puts the endpoint on a model of his own; the configuration that it was on."""
    sagemaker, config = line.stack.client("sagemaker"), line.endpoint()["EndpointConfigName"]
    other = f"{line.name}-by-hand"
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    container = model["PrimaryContainer"]
    del container["ModelDataSource"]  # said twice, which CreateModel refuses
    sagemaker.create_model(
        ModelName=other,
        PrimaryContainer=container,
        ExecutionRoleArn=model["ExecutionRoleArn"],
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=other, ProductionVariants=[{**variant, "ModelName": other}]
    )
    put_on(line, other)
    return str(config)


def put_on(line: Line, config: str) -> None:
    """Somebody puts the endpoint on a configuration."""
    line.stack.client("sagemaker").update_endpoint(
        EndpointName=line.name, EndpointConfigName=config
    )
    line.until(
        f"the endpoint is on {config}",
        lambda: (
            (
                (seen := line.endpoint())["EndpointStatus"] == "InService"
                and seen["EndpointConfigName"] == config
            )
            or None
        ),
    )


def test_an_endpoint_that_somebody_leads_elsewhere_is_told_once_and_when_it_is_back(
    churn: Line, told: Told
) -> None:
    churn.push(1, rollout=AT_ONCE)
    churn.approve(1)
    churn.until_event("Settled", 1)

    config = leads_elsewhere(churn)
    detail = told.until("DriftDetected", findings=2)  # one, if it was looked at in mid-update
    told.until_looked_at_again()

    assert {one["what"]: one["found"] for one in detail["findings"]} == {
        f"configuration of endpoint/{churn.name}": f"{churn.name}-by-hand",
        "model behind variant v1-e1": f"{churn.name}-by-hand",
    }
    mails = [one for one in told.mails if "model behind variant v1-e1" in one]
    assert [f"expected {config}, found {churn.name}-by-hand" in one for one in mails] == [True]
    assert len(told.details("DriftDetected", findings=2)) == 1

    put_on(churn, config)
    told.until("DriftEnded")


def test_no_canary_begins_without_a_way_back_but_on_a_persons_word(churn: Line, told: Told) -> None:
    tag = own_image(churn)
    churn.push(1, image_uri=IMAGE_URI.replace(f":{IMAGE_TAG}", f":{tag}"), rollout=AT_ONCE)
    churn.push(2, rollout=AT_ONCE)
    churn.approve(1)
    churn.until_event("Settled", 1)
    churn.stack.client("ecr").batch_delete_image(
        repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}]
    )

    (lacking,) = told.until("RollbackNotReady")["releases"]
    assert [lacking["release"], *(one["what"] for one in lacking["findings"])] == [
        f"{churn.name}-v1",
        f"image of {churn.name}-v1 in its repository",
    ]
    assert sluice(churn, "readiness", churn.name)[0] == 1

    churn.approve(2)
    aborted = churn.until_event("Aborted", 2)
    settled = churn.until_event("Settled", 2)
    assert aborted["reason"].startswith("NO_WAY_BACK: ")
    assert "is not in its repository any more" in aborted["reason"]

    said = ("--release", f"{churn.name}-v2", "--why", "the image is lost", "--by", "ann")
    assert sluice(churn, "override", churn.name, *said)[0] == 0
    churn.reject(2)
    churn.approve(2)

    used = churn.until_event("OverrideUsed", 2, after=settled["n"])
    assert "on the word of ann: the image is lost" in used["reason"]
    # It goes on as far as SageMaker lets it: stable's fleet cannot be made anew without its image.
    ended = churn.until_event("Aborted", 2, after=used["n"])
    assert ended["reason"].startswith("provisioning failed: Requested image")
    churn.until_event("Settled", 2, after=used["n"])


def test_of_an_application_its_function_and_its_model_are_asked(support: Application) -> None:
    support.serve_first(model_id=PROFILE, inference_config={"max_tokens": 256}, rollout=AT_ONCE)
    stack, since = support.stack, support.line.now()
    due = json.dumps({"target": f"application/{support.name}", "at": since})

    stack.client("sqs").send_message(QueueUrl=stack.resources["Verifications"], MessageBody=due)

    def look() -> bool | None:
        calls = [*stack.calls(support.function, since), *stack.calls(MODEL, since)]
        ours = f":assumed-role/{stack.resources['VerifyTargetsRole']}/"
        return {one["action"] for one in calls if ours in one["principal"]} == ASKED or None

    support.line.until("what serves was compared and the way back proved", look)
