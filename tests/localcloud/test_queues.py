"""SQS event source mappings: batches, windows, partial failures, redrive, the role's permissions.

AWS: lambda/latest/dg/services-sqs-configure.html
AWS: lambda/latest/dg/services-sqs-errorhandling.html
AWS: lambda/latest/dg/invocation-eventsourcemapping.html
AWS: AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
Model: lambda.CreateEventSourceMapping
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_function, create_role
from tests.localcloud.queues import create_queue, receive, received_bodies
from tests.localcloud.waiting import until

POLL = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
PARTIAL = """
import json
def handler(event, context):
    print(len(event["Records"]), "records")
    bad = [r["messageId"] for r in event["Records"] if json.loads(r["body"]).get("bad")]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
"""


def polling(queue: str) -> dict[str, Any]:
    """What a function's role needs to poll the queue."""
    return {"Effect": "Allow", "Action": POLL, "Resource": queue}


def test_only_the_failed_messages_of_a_batch_come_again_and_end_in_the_dead_letter_queue(
    client: Clients, unique: str
) -> None:
    dlq_url, dlq = create_queue(client, f"{unique}-dlq")
    redrive = json.dumps({"deadLetterTargetArn": dlq, "maxReceiveCount": 2})
    url, queue = create_queue(client, unique, RedrivePolicy=redrive, VisibilityTimeout="1")
    create_function(client, unique, PARTIAL, statements=[polling(queue)], Timeout=1)
    client("lambda").create_event_source_mapping(
        FunctionName=unique,
        EventSourceArn=queue,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    messages = [
        {"Id": str(n), "MessageBody": json.dumps({"n": n, "bad": n == 3})} for n in range(5)
    ]
    client("sqs").send_message_batch(QueueUrl=url, Entries=messages)
    assert received_bodies(client, dlq_url, 1) == [{"n": 3, "bad": True}]
    assert receive(client, url, 0) == []
    assert sum(sizes(client, unique)) == 5 + 1


@pytest.mark.parametrize(
    ("size", "batches"),
    [
        pytest.param(10, [3], id="until the window closes"),
        pytest.param(2, [1, 2], id="until the batch is full"),
    ],
)
def test_a_batch_gathers(client: Clients, unique: str, size: int, batches: list[int]) -> None:
    url, queue = create_queue(client, unique)
    create_function(client, unique, PARTIAL, statements=[polling(queue)])
    client("lambda").create_event_source_mapping(
        FunctionName=unique,
        EventSourceArn=queue,
        BatchSize=size,
        MaximumBatchingWindowInSeconds=120,  # of the clock: two seconds
    )
    for number in range(3):
        client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"n": number}))

    def handled() -> list[int] | None:
        seen = sizes(client, unique)
        return seen if sum(seen) == 3 else None

    assert sorted(until(handled, "all are handled")) == batches


def sizes(client: Clients, function: str) -> list[int]:
    """How many records each invocation had, of those that have told so."""
    try:
        found = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    except ClientError:
        return []
    return [int(e["message"].split()[0]) for e in found if e["message"].endswith("records")]


def test_a_mapping_needs_a_role_that_may_poll(client: Clients, unique: str) -> None:
    # CreateEventSourceMapping checks the execution role.
    _, queue = create_queue(client, unique)
    create_function(client, unique, PARTIAL)
    with pytest.raises(
        ClientError, match="does not have permissions to call ReceiveMessage on SQS"
    ):
        client("lambda").create_event_source_mapping(FunctionName=unique, EventSourceArn=queue)


def test_a_role_that_may_no_longer_poll_stops_the_mapping(client: Clients, unique: str) -> None:
    url, queue = create_queue(client, unique)
    create_function(client, unique, PARTIAL, statements=[polling(queue)])
    client("lambda").create_event_source_mapping(FunctionName=unique, EventSourceArn=queue)
    client("iam").delete_role_policy(RoleName=f"{unique}-role", PolicyName="own")
    client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    assert receive(client, url, 1)
    groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{unique}")
    assert groups["logGroups"] == []


def test_a_filter_keeps_the_rest_from_the_function(client: Clients, unique: str) -> None:
    url, queue = create_queue(client, unique)
    create_function(client, unique, PARTIAL, statements=[polling(queue)])
    pattern = json.dumps({"body": {"wanted": [True]}})
    client("lambda").create_event_source_mapping(
        FunctionName=unique,
        EventSourceArn=queue,
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )
    client("sqs").send_message(QueueUrl=url, MessageBody='{"wanted": false}')
    client("sqs").send_message(QueueUrl=url, MessageBody='{"wanted": true}')

    assert until(lambda: sizes(client, unique), "the wanted message is handled") == [1]
    assert receive(client, url, 0) == []


def test_a_batch_of_messages_takes_the_permission_to_send_one(client: Clients, unique: str) -> None:
    url, queue = create_queue(client, unique)
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    entries = [{"Id": "1", "MessageBody": "x"}]
    sender = client.as_role("sqs", create_role(client, f"{unique}-sends", [allowed]))
    nobody = client.as_role("sqs", create_role(client, f"{unique}-nobody", []))

    assert len(sender.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        nobody.send_message_batch(QueueUrl=url, Entries=entries)
