"""State machines for the contract tests: given a role, created, run to their end."""

import json
from collections.abc import Callable
from typing import Any

from tests.localcloud import waiting

_PATIENCE_SECONDS = 20.0
TRUST_STATES = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ANYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def create_states_role(
    client: Callable[..., Any], name: str, statements: list[dict[str, Any]] | None = None
) -> str:
    """A role that state machines may take, allowed what `statements` say; its ARN."""
    iam = client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST_STATES))
    policy = {"Version": "2012-10-17", "Statement": ANYTHING if statements is None else statements}
    if policy["Statement"]:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    arn: str = role["Role"]["Arn"]
    return arn


def create_machine(
    client: Callable[..., Any],
    name: str,
    states: dict[str, Any],
    *,
    statements: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> str:
    """A machine in JSONata that starts at the first of `states`; its ARN."""
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": next(iter(states)),
        "States": states,
        **fields,
    }
    created = client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps(definition),
        roleArn=create_states_role(client, f"{name}-sfn", statements),
    )
    arn: str = created["stateMachineArn"]
    return arn


def start(client: Callable[..., Any], machine: str, given: Any = None, **named: Any) -> str:
    """Start an execution; its ARN."""
    answer = client("stepfunctions").start_execution(
        stateMachineArn=machine, input=json.dumps(given or {}), **named
    )
    arn: str = answer["executionArn"]
    return arn


def finish(client: Callable[..., Any], execution: str) -> dict[str, Any]:
    """Wait for the execution to end; what DescribeExecution says then."""
    described: dict[str, Any] = until(
        lambda: client("stepfunctions").describe_execution(executionArn=execution),
        lambda described: described["status"] != "RUNNING",
    )
    return described


def run(client: Callable[..., Any], machine: str, given: Any = None) -> dict[str, Any]:
    """Start an execution and wait for its end."""
    return finish(client, start(client, machine, given))


def run_states(
    client: Callable[..., Any], name: str, states: dict[str, Any], given: Any = None, **named: Any
) -> dict[str, Any]:
    """Make a machine and run it once."""
    return run(client, create_machine(client, name, states, **named), given)


def output(described: dict[str, Any]) -> Any:
    """What a succeeded execution returned."""
    assert described["status"] == "SUCCEEDED", described
    return json.loads(described["output"])


def history(client: Callable[..., Any], execution: str) -> list[dict[str, Any]]:
    """All events of an execution."""
    pages = client("stepfunctions").get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]


def until(look: Callable[[], Any], good: Callable[[Any], Any] = bool) -> Any:
    """Look again and again until what is seen is good; the last look."""
    return waiting.until(look, "it is so", seconds=_PATIENCE_SECONDS, good=good)


def create_queue(client: Callable[..., Any], name: str) -> str:
    """A queue; its URL."""
    url: str = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url


def receive(client: Callable[..., Any], queue: str) -> Any:
    """Wait for one message; its body, parsed."""
    sqs = client("sqs")
    messages = until(
        lambda: sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1).get("Messages")
    )
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
    return json.loads(messages[0]["Body"])


def callback(queue: str, **fields: Any) -> dict[str, Any]:
    """A state that sends its task token to a queue and waits for an answer."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {
            "QueueUrl": queue,
            "MessageBody": {"token": "{% $states.context.Task.Token %}"},
        },
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }
