"""What people are told: a queue, subscribed where their mail would be."""

from __future__ import annotations

import json

import boto3

from localcloud.constants import ACCOUNT

_QUEUE = "people"


class Notices:
    """The messages of one topic."""

    def __init__(self, topic_arn: str) -> None:
        self._sqs = boto3.client("sqs")
        self._url = self._sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
        self._received: list[str] = []
        region = topic_arn.split(":")[3]
        arn = f"arn:aws:sqs:{region}:{ACCOUNT}:{_QUEUE}"
        self._sqs.set_queue_attributes(
            QueueUrl=self._url, Attributes={"Policy": _open_to(topic_arn, arn)}
        )
        boto3.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)

    def newest(self, word: str) -> str | None:
        """The newest message that has `word` in it, or None."""
        self._receive()
        return next((message for message in reversed(self._received) if word in message), None)

    def _receive(self) -> None:
        while True:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                self._received.append(str(json.loads(message["Body"])["Message"]))
                handle = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)


def _open_to(topic_arn: str, queue_arn: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
