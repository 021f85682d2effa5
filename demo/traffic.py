"""Users: a steady stream of requests to the endpoint, every answer written down."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from demo.counting import Answer
from demo.rows import Row

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

type Send = Callable[[Row], Answer]

NO_RETRIES = Config(retries={"total_max_attempts": 1}, max_pool_connections=16, read_timeout=20)
"""A user's failed request is a failed request: nothing may hide it."""

_LOG_STREAM_VARIANT = re.compile(r"log-stream:([^/]+)/")
_VARIANT_HEADER = "x-amzn-invoked-production-variant"


class Caller:
    """Sends one row to the endpoint and says what came back; never raises."""

    def __init__(self, runtime: SageMakerRuntimeClient, endpoint: str) -> None:
        self._runtime = runtime
        self._endpoint = endpoint

    def __call__(self, row: Row) -> Answer:
        """The answer to `row`; a failure is an answer with an error."""
        at = time.monotonic()
        variant, said, error = self._ask(row)
        return Answer(at, time.monotonic() - at, row.kind, row.number, variant, said, error)

    def _ask(self, row: Row) -> tuple[str | None, str | None, str]:
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint, ContentType="text/csv", Accept="text/csv", Body=row.csv
            )
            said = answer["Body"].read().decode().strip()
        except ClientError as error:
            return variant_of(error.response), None, str(error)
        except (BotoCoreError, OSError) as error:
            return None, None, f"{type(error).__name__}: {error}"
        return answer["InvokedProductionVariant"], said, ""


def variant_of(response: Mapping[str, Any]) -> str | None:
    """The variant an error came from: its header, or the log stream a ModelError names."""
    headers: Mapping[str, str] = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if _VARIANT_HEADER in headers:
        return headers[_VARIANT_HEADER]
    stream = _LOG_STREAM_VARIANT.search(str(response.get("LogStreamArn", "")))
    return stream[1] if stream else None


class Sent(Protocol):
    """What became of one request."""

    @property
    def at(self) -> float:
        """When it was sent, in seconds of the client's monotonic clock."""


class Traffic[K, R, A: Sent]:
    """A constant number of requests a second, in the mix of kinds set last, from a few threads."""

    def __init__(
        self,
        send: Callable[[R], A],
        rows: Mapping[K, Sequence[R]],
        *,
        rate: float,
        workers: int = 6,
    ) -> None:
        """Sends what `rows` has of its first kind, until told otherwise."""
        self._send = send
        self._rows = rows
        self._interval = 1 / rate
        self._random = random.Random(20260503)  # noqa: S311 - a mix of rows, not a secret
        self._mix: dict[K, float] = {next(iter(rows)): 1.0}
        self._answers: list[A] = []
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"user-{number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Begin to send."""
        self._next_at = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more; return when all requests are answered. May be called twice."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def send_from_now_on(self, mix: Mapping[K, float]) -> None:
        """Change the mix: what share of the rows sent is of which kind."""
        with self._lock:
            self._mix = dict(mix)

    def answers(self, since: float = -float("inf"), until: float = float("inf")) -> tuple[A, ...]:
        """The answers to requests that were sent in a stretch of the monotonic clock."""
        with self._lock:
            return tuple(answer for answer in self._answers if since <= answer.at <= until)

    def _work(self) -> None:
        while True:
            row, due = self._draw()
            if self._stopping.wait(max(0.0, due - time.monotonic())):
                return
            answer = self._send(row)
            with self._lock:
                self._answers.append(answer)

    def _draw(self) -> tuple[R, float]:
        with self._lock:
            # A stall is not made up for by a burst: users do not wait in line to ask all at once.
            due = max(self._next_at, time.monotonic() - self._interval)
            self._next_at = due + self._interval
            kinds, shares = zip(*self._mix.items(), strict=True)
            kind = self._random.choices(kinds, shares)[0]
            return self._random.choice(self._rows[kind]), due


def sweep(send: Send, rows: Sequence[Row], *, workers: int = 4) -> tuple[Answer, ...]:
    """Send each row once and return the answers."""
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(send, rows))
