"""Queues for the contract tests: made, opened to a service, and read."""

import json
import time
from typing import Any

import pytest

from tests.localcloud.conftest import Clients
from tests.localcloud.waiting import Patience

_QUIET_SECONDS = 0.4


def create_queue(
    client: Clients, name: str, principal: str | None = None, source: str = "", **attributes: str
) -> tuple[str, str]:
    """A queue, open to the service `principal` for the resource `source`; its URL and ARN."""
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    if principal:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
        attributes["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url: str = client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, arn


def receive(
    client: Clients, url: str, count: int, *, seconds: float = 15.0
) -> list[dict[str, Any]]:
    """Just `count` messages, taken from the queue; the test fails when there are fewer or more."""
    found: list[dict[str, Any]] = []
    sqs = client("sqs")
    patience = Patience(seconds)
    quiet_since = None
    while quiet_since is None or time.monotonic() - quiet_since < _QUIET_SECONDS:
        if not patience.lasts():
            pytest.fail(f"{len(found)} messages after {seconds:g} s, not {count}: {found}")
        batch = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += batch
        if len(found) >= count and (batch or quiet_since is None):
            quiet_since = time.monotonic()
        time.sleep(0.02)
    assert len(found) == count, found
    return found


def received_bodies(client: Clients, url: str, count: int) -> list[Any]:
    """The bodies of just `count` messages, read as JSON."""
    return [json.loads(message["Body"]) for message in receive(client, url, count)]
