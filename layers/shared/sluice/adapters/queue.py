"""SQS: messages to ourselves, which begin another invocation."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from mypy_boto3_sqs import SQSClient

_BATCH = 10
MOST_AT_ONCE = 10
"""What one invocation looks at itself; more are fanned out."""


class NotSentError(Exception):
    """SQS took some of the messages only; sending all again does no harm."""


class Queue:
    """A queue in front of one of our functions.

    `client` makes the client: only when something is sent, which is rare, and costs a cold start
    nothing.
    """

    def __init__(self, client: Callable[[], SQSClient], url: str) -> None:
        self._client = client
        self._url = url

    def hand_out(self, names: Collection[str], message: Callable[[str], str]) -> bool:
        """Send a message for each, if they are too many for one invocation; whether they are.

        Raises NotSentError as `send` does.
        """
        if len(names) <= MOST_AT_ONCE:
            return False
        self.send(map(message, names))
        return True

    def send(self, bodies: Iterable[str]) -> None:
        """Send every message. Raises NotSentError when SQS did not take each of them."""
        for batch in batched(bodies, _BATCH, strict=False):
            entries = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)
            ]
            answer = self._client().send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            if answer.get("Failed"):
                raise NotSentError(str(answer["Failed"]))
