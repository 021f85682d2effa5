"""Notes every event in a queue, with the word of the layer and the greeting of the environment."""

import json
import os
from typing import Any

import boto3
from words import WORD  # type: ignore[import-not-found]

SQS: Any = boto3.client("sqs")


def handler(event: dict[str, Any], context: Any) -> None:
    """Note the event; fail when it asks for it."""
    note = {"by": "note", "event": event, "word": WORD, "greeting": os.environ["GREETING"]}
    note["as"] = context.invoked_function_arn
    SQS.send_message(QueueUrl=os.environ["NOTES"], MessageBody=json.dumps(note))
    if event.get("fail"):
        raise ValueError(event["fail"])
