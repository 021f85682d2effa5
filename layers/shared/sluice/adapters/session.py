"""boto3 clients, made once per container from one session.

Timeouts are shorter than any of our functions, so that the SDK gets to retry before Lambda ends the
invocation (boto3's own read timeout is 60 seconds).
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from sluice.domain.patience import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

_session = boto3.Session()


def client(service: str, *, read_seconds: int = READ_SECONDS, attempts: int = ATTEMPTS) -> Any:
    """A client for `service`, with our timeouts and retries.

    `read_seconds` bounds the wait for one answer; copies inside S3 take longer than most. With one
    of `attempts` nothing is asked again: whoever calls decides that.
    """
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return _session.client(service, config=config)  # type: ignore[call-overload]


def client_later(
    service: str, *, read_seconds: int = READ_SECONDS, attempts: int = ATTEMPTS
) -> Callable[[], Any]:
    """What makes a client when it is needed: most invocations never do, and no cold start pays."""
    return cache(partial(client, service, read_seconds=read_seconds, attempts=attempts))
