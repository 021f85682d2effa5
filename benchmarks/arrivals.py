"""What arrives: events and tasks as AWS hands them to a function."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sluice.domain.values import iso
from sluice.events.tasks import dump_rollout
from tests.builders import ACCOUNT, AT, REGION, an_event

if TYPE_CHECKING:
    from sluice.domain.rollout import Rollout


def queued(key: str, version_id: str) -> dict[str, Any]:
    """S3's event of one object, in a batch of one message."""
    event = an_event("s3_object_created")
    event["detail"]["object"] |= {"key": key, "version-id": version_id}
    record = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "receipt",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1777816800000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:uploads",
        "awsRegion": REGION,
    }
    return {"Records": [record]}


def event(source: str, kind: str, detail: dict[str, Any], *, later: int = 0) -> dict[str, Any]:
    """An event of EventBridge's."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "source": source,
        "detail-type": kind,
        "account": ACCOUNT,
        "region": REGION,
        "time": iso(AT + timedelta(seconds=later)),
        "resources": [],
        "detail": detail,
    }


def task(rollout: Rollout) -> dict[str, Any]:
    """What the state machine hands a function."""
    return {"rollout": dump_rollout(rollout), "at": iso(AT)}
