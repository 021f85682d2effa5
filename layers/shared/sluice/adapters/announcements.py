"""What we tell others: custom events for machines, the notification topic for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

SOURCE = "sluice"
_SUBJECT_LIMIT = 100  # SNS refuses longer subjects


class AnnouncementError(Exception):
    """EventBridge took the call but not the event."""


class Announcements:
    """The default event bus and one SNS topic."""

    def __init__(self, events: EventBridgeClient, sns: SNSClient, *, topic_arn: str) -> None:
        self._events = events
        self._sns = sns
        self._topic_arn = topic_arn

    def announce_if_possible(
        self, detail_type: str, detail: dict[str, Any], *, message: str = ""
    ) -> bool:
        """The same where what is told has happened already and must not fail for the telling."""
        try:
            self.announce(detail_type, detail, message=message)
        except (AnnouncementError, BotoCoreError, ClientError):
            return False
        return True

    def announce(self, detail_type: str, detail: dict[str, Any], *, message: str = "") -> None:
        """Put a custom event, and tell people where `message` says something in plain words."""
        entry = {"Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail)}
        answer = self._events.put_events(Entries=[entry])  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            # PutEvents answers 200 even where an entry failed.
            raise AnnouncementError(answer["Entries"][0].get("ErrorMessage", detail_type))
        if message:
            subject = f"Sluice: {detail_type}"[:_SUBJECT_LIMIT]
            self._sns.publish(TopicArn=self._topic_arn, Subject=subject, Message=message)
