"""Notes every message of a batch and hands the bad ones back."""

import json
import os
from typing import Any

import boto3
from words import WORD  # type: ignore[import-not-found]

SQS: Any = boto3.client("sqs")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Note the good messages; report the bad ones as failures."""
    failures = []
    for record in event["Records"]:
        body = json.loads(record["body"])
        if body.get("bad"):
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        note = {"by": "consume", "event": body, "word": WORD, "batch": len(event["Records"])}
        SQS.send_message(QueueUrl=os.environ["NOTES"], MessageBody=json.dumps(note))
    return {"batchItemFailures": failures}
