"""Task tokens and the limits of the tasks that wait for them.

AWS: step-functions/latest/dg/connect-to-resource.html
AWS: step-functions/latest/dg/concepts-error-handling.html
Model: stepfunctions.SendTaskSuccess
Model: stepfunctions.SendTaskFailure
Model: stepfunctions.SendTaskHeartbeat
"""

import base64
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.machines import (
    callback,
    create_machine,
    create_queue,
    finish,
    history,
    output,
    receive,
    start,
    until,
)
from tests.localcloud.waiting import within

LIMIT = "{% $states.input.limit %}"


def refused(code: str) -> Any:
    """Expect a call to be refused with this code."""
    return pytest.raises(ClientError, match=rf"\({code}\)")


def caught(error: str) -> list[dict[str, Any]]:
    """A Catch of one error that returns what was caught."""
    rule = {"ErrorEquals": [error], "Output": "{% $states.errorOutput %}", "Next": "Caught"}
    return [rule]


def asking(client: Any, name: str, **fields: Any) -> tuple[str, str]:
    """A queue and a machine that asks there; the queue's URL and the machine's ARN."""
    queue = create_queue(client, name)
    states = {"Ask": callback(queue, **fields), "Caught": {"Type": "Succeed"}}
    if "Catch" not in fields:
        states.pop("Caught")
    return queue, create_machine(client, name, states)


def test_a_success_is_the_result_of_the_task(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600, Output="{% $states.result %}")
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    client("stepfunctions").send_task_success(taskToken=token, output='{"verdict": "Passed"}')

    assert output(finish(client, execution)) == {"verdict": "Passed"}


def test_a_failure_carries_its_error_and_cause(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600, Catch=caught("CanaryFailed"))
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    client("stepfunctions").send_task_failure(taskToken=token, error="CanaryFailed", cause="5 %")

    assert output(finish(client, execution)) == {"Error": "CanaryFailed", "Cause": "5 %"}


def test_the_limit_counts_virtual_seconds_and_may_be_an_expression(
    client: Any, unique: str
) -> None:
    _, machine = asking(client, unique, TimeoutSeconds=LIMIT, Catch=caught("States.Timeout"))
    began = time.monotonic()

    with within(10):
        described = finish(client, start(client, machine, {"limit": 90}))

    assert output(described)["Error"] == "States.Timeout"
    assert time.monotonic() - began >= 1.4
    assert 90 <= (described["stopDate"] - described["startDate"]).total_seconds() < 600
    types = [event["type"] for event in history(client, described["executionArn"])]
    assert "TaskTimedOut" in types


def test_an_answer_that_comes_too_late_is_told_so(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=30, Catch=caught("States.Timeout"))
    execution = start(client, machine)
    token = receive(client, queue)["token"]
    finish(client, execution)

    with refused("TaskTimedOut"):
        client("stepfunctions").send_task_success(taskToken=token, output="{}")
    with refused("TaskTimedOut"):
        client("stepfunctions").send_task_heartbeat(taskToken=token)


def test_a_late_answer_is_refused_while_the_execution_goes_on(client: Any, unique: str) -> None:
    queue = create_queue(client, unique)
    states = {
        "Ask": callback(
            queue,
            TimeoutSeconds=30,
            Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "AskAgain"}],
        ),
        "AskAgain": callback(queue, TimeoutSeconds=3600),
    }
    execution = start(client, create_machine(client, unique, states))
    late, second = receive(client, queue)["token"], receive(client, queue)["token"]

    with refused("TaskTimedOut"):
        client("stepfunctions").send_task_failure(taskToken=late, error="Late")
    client("stepfunctions").send_task_success(taskToken=second, output='"in time"')

    assert output(finish(client, execution)) == "in time"


def test_a_token_is_good_for_one_answer(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600)
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    client("stepfunctions").send_task_success(taskToken=token, output="1")

    with refused("TaskTimedOut"):
        client("stepfunctions").send_task_success(taskToken=token, output="2")
    assert output(finish(client, execution)) == 1


def test_a_stopped_execution_takes_no_answer(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600)
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    client("stepfunctions").stop_execution(executionArn=execution)

    with refused("TaskTimedOut"):
        client("stepfunctions").send_task_success(taskToken=token, output="1")


def test_a_string_that_is_no_token_differs_from_a_token_of_no_task(
    client: Any, unique: str
) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600)
    execution = start(client, machine)
    token = receive(client, queue)["token"]
    client("stepfunctions").stop_execution(executionArn=execution)
    other = bytearray(base64.b64decode(token))
    other[-1] ^= 1

    with refused("InvalidToken"):
        client("stepfunctions").send_task_success(taskToken="nonsense", output="1")
    with refused("TaskDoesNotExist"):
        client("stepfunctions").send_task_success(
            taskToken=base64.b64encode(bytes(other)).decode(), output="1"
        )


def test_output_that_is_not_json_leaves_the_task_open(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600)
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    with refused("InvalidOutput"):
        client("stepfunctions").send_task_success(taskToken=token, output="{")
    client("stepfunctions").send_task_success(taskToken=token, output="1")

    assert output(finish(client, execution)) == 1


@pytest.mark.parametrize("name", ["States.HeartbeatTimeout", "States.Timeout"])
def test_silence_ends_a_task_with_heartbeats(client: Any, unique: str, name: str) -> None:
    _, machine = asking(
        client, unique, TimeoutSeconds=86400, HeartbeatSeconds=60, Catch=caught(name)
    )

    with within(10):
        described = finish(client, start(client, machine))

    assert output(described)["Error"] == "States.Timeout"


def test_heartbeats_keep_a_task_open(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=86400, HeartbeatSeconds=60)
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    for _ in range(5):
        time.sleep(0.4)
        client("stepfunctions").send_task_heartbeat(taskToken=token)
    client("stepfunctions").send_task_success(taskToken=token, output='"alive"')

    described = finish(client, execution)
    assert output(described) == "alive"
    assert (described["stopDate"] - described["startDate"]).total_seconds() > 100


def test_every_attempt_has_a_token_of_its_own(client: Any, unique: str) -> None:
    queue, machine = asking(
        client,
        unique,
        TimeoutSeconds=30,
        Retry=[{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 2}],
    )
    execution = start(client, machine)
    first, second = receive(client, queue)["token"], receive(client, queue)["token"]

    assert first != second
    with refused("TaskTimedOut"):
        client("stepfunctions").send_task_success(taskToken=first, output="1")
    third = receive(client, queue)["token"]
    client("stepfunctions").send_task_success(taskToken=third, output='"third"')
    assert output(finish(client, execution)) == "third"


def test_a_call_that_fails_ends_the_task_before_any_answer(client: Any, unique: str) -> None:
    states = {
        "Ask": callback(
            f"http://127.0.0.1/123456789012/{unique}-missing",
            TimeoutSeconds=86400,
            Catch=caught("States.TaskFailed"),
        ),
        "Caught": {"Type": "Succeed"},
    }

    described = finish(client, start(client, create_machine(client, unique, states)))

    assert "SQS" in output(described)["Error"]


def test_a_conditional_write_may_park_the_token(client: Any, unique: str) -> None:
    client("dynamodb").create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    park = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
        "Arguments": {
            "TableName": unique,
            "Key": {"pk": {"S": "target"}},
            "UpdateExpression": "SET #token = :token",
            "ConditionExpression": "attribute_not_exists(#token)",
            "ExpressionAttributeNames": {"#token": "token"},
            "ExpressionAttributeValues": {":token": {"S": "{% $states.context.Task.Token %}"}},
        },
        "TimeoutSeconds": 3600,
        "Catch": caught("DynamoDb.ConditionalCheckFailedException"),
        "End": True,
    }
    machine = create_machine(client, unique, {"Park": park, "Caught": {"Type": "Succeed"}})
    holder = start(client, machine)
    key = {"TableName": unique, "Key": {"pk": {"S": "target"}}}
    item = until(lambda: client("dynamodb").get_item(**key), lambda told: "Item" in told)

    displaced = finish(client, start(client, machine))

    assert output(displaced)["Error"] == "DynamoDb.ConditionalCheckFailedException"
    client("stepfunctions").send_task_success(
        taskToken=item["Item"]["token"]["S"], output='"signalled"'
    )
    assert output(finish(client, holder)) == "signalled"


def test_a_caller_may_be_granted_the_tokens_of_one_machine(client: Any, unique: str) -> None:
    queue, machine = asking(client, unique, TimeoutSeconds=3600)
    iam = client("iam")
    iam.create_user(UserName=unique)
    keys = iam.create_access_key(UserName=unique)["AccessKey"]
    caller = client(
        "stepfunctions",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )
    execution = start(client, machine)
    token = receive(client, queue)["token"]

    with refused("AccessDeniedException"):
        caller.send_task_success(taskToken=token, output="1")
    allowed = {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": machine}
    iam.put_user_policy(
        UserName=unique,
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    caller.send_task_success(taskToken=token, output="1")

    assert output(finish(client, execution)) == 1
