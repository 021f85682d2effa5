"""Look again and again until it is so, cannot become so, or the time is over."""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's: what never reached AWS
    HTTPClientError,
)

from cli.errors import DONE, NO, TOO_LATE
from cli.standing import Standing, State
from cli.telling import shown

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 5
"""Looks in a row that may fail for a passing reason, before one is believed."""
_PASSING = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)
CODES = {State.REACHED: DONE, State.ENDED: NO, State.PENDING: TOO_LATE}
"""What a command that waited ends with."""


def look_until(
    look: Callable[[], Standing],
    *,
    seconds: float,
    every: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Standing:
    """The first look that is not pending, or the last one there was time for; at least one.

    Looks are `every` seconds apart, give or take half, so that pipelines do not ask in step.
    """
    ends, said, failed = clock() + seconds, "", 0
    while True:
        try:
            found, failed = look(), 0
        except (ConnectionError, HTTPClientError, ClientError) as error:
            failed += 1
            if not _passes(error) or failed == _PATIENCE:
                raise
            found = Standing(State.PENDING, f"asked in vain: {error}")
        left = ends - clock()
        if found.state is not State.PENDING or left <= 0:
            return found
        if found.said != said:
            said = found.said
            print(shown(f"… {said}"), file=sys.stderr)
        sleep(min(left, every * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter


def _passes(error: Exception) -> bool:
    return not isinstance(error, ClientError) or error.response["Error"]["Code"] in _PASSING
