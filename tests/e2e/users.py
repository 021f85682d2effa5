"""Users of one endpoint: a steady stream of requests, every answer written down."""

import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sluice.domain.names import SERVERLESS_VARIANT
from tests.e2e.folders import USUAL

_VARIANT_OF_STREAM = re.compile(r"log-stream:([^/]+)/")
_VERSION_OF_VARIANT = re.compile(r"v(\d+)-e\d+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    at: float
    """When it was sent, on the machine's monotonic clock."""
    version: int | None
    """The version of the variant that was asked, as InvokeEndpoint names it."""
    said: str
    error: str = ""


class Users:
    """Sends `rate` requests a second until stopped."""

    def __init__(self, runtime: Any, endpoint: str, rate: float) -> None:
        self._runtime = runtime
        self._endpoint = endpoint
        self._interval = 1 / rate
        self._body = USUAL
        self._answers: list[Answer] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send, name=f"users of {endpoint}", daemon=True)
        self._thread.start()

    def say(self, body: str) -> None:
        """Send something else from now on."""
        self._body = body

    def stop(self) -> None:
        """Send nothing more. May be called twice."""
        self._stopping.set()
        self._thread.join()

    @property
    def answers(self) -> list[Answer]:
        """Every answer so far, oldest first."""
        return list(self._answers)

    @property
    def errors(self) -> list[Answer]:
        """The requests that failed."""
        return [answer for answer in self.answers if answer.error]

    def served_by(self, since: float = 0.0) -> Counter[int | None]:
        """How many requests each version was asked, of those sent after `since`."""
        return Counter(answer.version for answer in self.answers if answer.at > since)

    def _send(self) -> None:
        while not self._stopping.wait(self._interval):
            self._answers.append(self._ask())

    def _ask(self) -> Answer:
        at = time.monotonic()
        try:
            told = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint,
                ContentType="text/csv",
                Accept="text/csv",
                Body=self._body,
            )
            said = told["Body"].read().decode()
        except ClientError as error:
            stream = _VARIANT_OF_STREAM.search(str(error.response.get("LogStreamArn", "")))
            return Answer(at, version_of(stream[1]) if stream else None, "", str(error))
        return Answer(at, version_of(told["InvokedProductionVariant"]), said)


def version_of(variant: str) -> int:
    """The model package version in a variant's name; 0 for the one all versions bear."""
    if variant == SERVERLESS_VARIANT:
        return 0
    named = _VERSION_OF_VARIANT.fullmatch(variant)
    assert named, f"{variant} is not named after a version and an epoch"
    return int(named[1])
