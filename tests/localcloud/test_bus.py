"""EventBridge: who may be called, what is retried, what ends in a dead-letter queue.

AWS: eventbridge/latest/userguide/eb-rule-retry-policy.html
AWS: eventbridge/latest/userguide/eb-rule-dlq.html
AWS: eventbridge/latest/userguide/eb-use-resource-based.html
AWS: eventbridge/latest/userguide/eb-transform-target-input.html
AWS: lambda/latest/dg/invocation-async-error-handling.html
Model: events.PutTargets
Model: lambda.PutFunctionEventInvokeConfig
"""

import json
from typing import Any

import pytest

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_function, create_role
from tests.localcloud.queues import create_queue, receive, received_bodies
from tests.localcloud.waiting import until

NOTE = """
import boto3, json, os
def handler(event, context):
    note = json.dumps({"event": event, "request": context.aws_request_id})
    boto3.client("sqs").send_message(QueueUrl=os.environ["NOTES"], MessageBody=note)
    if isinstance(event, dict) and event.get("detail", {}).get("fail"):
        raise ValueError("asked to")
    return "noted"
"""


class Bench:
    """A rule on a source of its own, and targets to hang on it."""

    def __init__(self, client: Clients, name: str) -> None:
        self.client, self.name = client, name
        pattern = json.dumps({"source": [name]})
        self.rule: str = client("events").put_rule(Name=name, EventPattern=pattern)["RuleArn"]

    def target(self, arn: str, **settings: Any) -> None:
        """Let the rule call `arn`."""
        target = {"Id": "1", "Arn": arn, **settings}
        answer = self.client("events").put_targets(Rule=self.name, Targets=[target])
        assert answer["FailedEntryCount"] == 0

    def allow_function(self, arn: str, *, source: str | None = None) -> None:
        """Let EventBridge call a function for this rule, or for the one named."""
        self.client("lambda").add_permission(
            FunctionName=arn,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=source or self.rule,
        )

    def queue(self, suffix: str, *, open_to_rule: bool = True) -> tuple[str, str]:
        """A queue, with a policy that lets EventBridge send for this rule; its URL and ARN."""
        principal = "events.amazonaws.com" if open_to_rule else None
        return create_queue(self.client, f"{self.name}-{suffix}", principal, self.rule)

    def noting_function(self, **settings: Any) -> tuple[str, str]:
        """A function that notes what it was given; its ARN and the URL of its notes."""
        url, queue = self.queue("notes")
        send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
        arn = create_function(
            self.client,
            f"{self.name}-f",
            NOTE,
            statements=[send, *settings.pop("statements", [])],
            Environment={"Variables": {"NOTES": url}},
            Timeout=30,
            **settings,
        )
        return arn, url

    def put(self, **detail: Any) -> str:
        """Publish one event; its id."""
        entry = {"Source": self.name, "DetailType": "Test", "Detail": json.dumps(detail)}
        answer = self.client("events").put_events(Entries=[entry])["Entries"][0]
        event_id: str = answer["EventId"]
        return event_id


@pytest.fixture
def bench(client: Clients, unique: str) -> Bench:
    """A rule and what goes with it."""
    return Bench(client, unique)


def test_a_function_gets_the_event_with_virtual_time(cloud: LocalCloud, bench: Bench) -> None:
    arn, notes = bench.noting_function()
    bench.allow_function(arn)
    bench.target(arn)
    before = cloud.now()
    event_id = bench.put(colour="red")
    (note,) = received_bodies(bench.client, notes, 1)
    event = note["event"]
    assert (event["id"], event["detail"]) == (event_id, {"colour": "red"})
    assert event["source"] == bench.name
    after = cloud.now()
    assert f"{before:%Y-%m-%dT%H:%M:%SZ}" <= event["time"] <= f"{after:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("permission", ["none", "another rule's"])
def test_a_function_whose_policy_does_not_name_the_rule_is_not_called(
    bench: Bench, permission: str
) -> None:
    # Missing permission: straight to the dead-letter queue, without a retry.
    arn, notes = bench.noting_function()
    if permission != "none":
        bench.allow_function(arn, source=f"{bench.rule}-other")
    url, queue = bench.queue("dlq")
    bench.target(arn, DeadLetterConfig={"Arn": queue})
    bench.put(colour="red")
    (letter,) = receive(bench.client, url, 1)
    attributes = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert attributes["RULE_ARN"] == bench.rule
    assert attributes["TARGET_ARN"] == arn
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert attributes["RETRY_ATTEMPTS"] == "0"
    assert "lambda:InvokeFunction" in attributes["ERROR_MESSAGE"]
    assert json.loads(letter["Body"])["detail"] == {"colour": "red"}
    assert receive(bench.client, notes, 0) == []


def test_a_target_that_is_gone_sends_the_event_to_the_dead_letter_queue(bench: Bench) -> None:
    url, queue = bench.queue("dlq")
    gone = "arn:aws:lambda:us-east-1:123456789012:function:gone"
    bench.target(gone, DeadLetterConfig={"Arn": queue})
    bench.put()
    (letter,) = receive(bench.client, url, 1)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "RESOURCE_NOT_FOUND"


def test_a_queue_needs_a_policy_that_names_the_rule(bench: Bench) -> None:
    closed_url, closed = bench.queue("closed", open_to_rule=False)
    dlq_url, dlq = bench.queue("dlq")
    bench.target(closed, DeadLetterConfig={"Arn": dlq})
    bench.put(n=1)
    assert len(receive(bench.client, dlq_url, 1)) == 1
    assert receive(bench.client, closed_url, 0) == []
    open_url, opened = bench.queue("open")
    bench.target(opened)
    bench.put(n=2)
    assert received_bodies(bench.client, open_url, 1)[0]["detail"] == {"n": 2}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"InputPath": "$.detail.colour"}, "red"),
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"c": "$.detail.colour"},
                    "InputTemplate": '{"was": <c>, "rule": <aws.events.rule-arn>}',
                }
            },
            {"was": "red", "rule": "RULE"},
        ),
    ],
)
def test_the_target_gets_the_input_it_asks_for(
    bench: Bench, settings: dict[str, Any], expected: Any
) -> None:
    url, queue = bench.queue("q")
    bench.target(queue, **settings)
    bench.put(colour="red")
    (body,) = received_bodies(bench.client, url, 1)
    if isinstance(expected, dict) and "rule" in expected:
        expected = {**expected, "rule": bench.rule}
    assert body == expected


def test_a_failing_function_is_tried_three_times_a_minute_and_two_apart(
    cloud: LocalCloud, bench: Bench
) -> None:
    # Asynchronous invocation: two retries, after one minute and two more; the same request id.
    arn, notes = bench.noting_function()
    url, queue = bench.queue("failed")
    policy = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    bench.client("iam").put_role_policy(
        RoleName=f"{bench.name}-f-role",
        PolicyName="destination",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    bench.client("lambda").put_function_event_invoke_config(
        FunctionName=arn, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    bench.allow_function(arn)
    bench.target(arn)
    before = cloud.now()
    bench.put(fail=True)
    (record,) = received_bodies(bench.client, url, 1)
    assert 170 <= (cloud.now() - before).total_seconds() <= 400
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestContext"]["functionArn"] == f"{arn}:$LATEST"
    assert record["requestPayload"]["detail"] == {"fail": True}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorType"] == "ValueError"
    requests = {note["request"] for note in received_bodies(bench.client, notes, 3)}
    assert requests == {record["requestContext"]["requestId"]}


@pytest.mark.parametrize(
    ("retries", "named"),
    [
        pytest.param(0, {}, id="never"),
        pytest.param(1, {}, id="once"),
        # What is invoked by no name is $LATEST, by which name SAM configures it.
        pytest.param(0, {"Qualifier": "$LATEST"}, id="by its version"),
    ],
)
def test_the_event_invoke_config_says_how_often(
    bench: Bench, retries: int, named: dict[str, str]
) -> None:
    arn, notes = bench.noting_function()
    url, queue = bench.queue("failed")
    bench.client("lambda").update_function_configuration(
        FunctionName=arn, DeadLetterConfig={"TargetArn": queue}
    )
    bench.client("lambda").put_function_event_invoke_config(
        FunctionName=arn, MaximumRetryAttempts=retries, **named
    )
    policy = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    bench.client("iam").put_role_policy(
        RoleName=f"{bench.name}-f-role",
        PolicyName="destination",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    event = {"detail": {"fail": True}}
    bench.client("lambda").invoke(
        FunctionName=arn, InvocationType="Event", Payload=json.dumps(event).encode()
    )
    # A dead letter is the event itself, with the request and the error as attributes.
    (letter,) = receive(bench.client, url, 1)
    assert json.loads(letter["Body"]) == event
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "asked to"
    assert len(receive(bench.client, notes, retries + 1)) == retries + 1


def test_a_destination_is_sent_to_as_the_functions_role(cloud: LocalCloud, bench: Bench) -> None:
    arn, notes = bench.noting_function()
    url, queue = bench.queue("failed")
    bench.client("lambda").put_function_event_invoke_config(
        FunctionName=arn,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    bench.client("lambda").invoke(
        FunctionName=arn, InvocationType="Event", Payload=b'{"detail": {"fail": true}}'
    )
    receive(bench.client, notes, 1)
    role = f"{bench.name}-f-role"
    until(
        lambda: [
            call
            for call in cloud.calls()
            if role in (call["principal"] or "") and call["resource"] == queue
        ],
        "IAM was asked",
    )
    assert receive(bench.client, url, 0) == []


def test_a_state_machine_is_started_under_the_targets_role(bench: Bench) -> None:
    # The role may not start it: refused, not retried.
    url, queue = bench.queue("dlq")
    role = create_role(bench.client, f"{bench.name}-starter", [])
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:any"
    bench.target(machine, RoleArn=role, DeadLetterConfig={"Arn": queue})
    bench.put()
    (letter,) = receive(bench.client, url, 1)
    assert "AccessDenied" in letter["MessageAttributes"]["ERROR_CODE"]["StringValue"]


def test_only_services_publish_as_aws(bench: Bench) -> None:
    entry = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": "{}"}
    answer = bench.client("events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
