"""How long our own calls may take at most, and what must be waited for because of that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

TASK = timedelta(seconds=60)
"""`TimeoutSeconds` of every task that runs a function; the functions' own timeout is less."""

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 2, 5, 4
"""Of one call of the SDK: how long it connects, waits for the answer, and how often it tries."""

_BACK_OFF_SECONDS = sum(2**attempt for attempt in range(ATTEMPTS - 1))
"""Standard mode waits at most 1, 2, 4, … seconds between attempts (botocore, retries/standard)."""

SDK_RETRIES = timedelta(
    seconds=ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + _BACK_OFF_SECONDS,
)

_LATEST = timedelta(seconds=60)
"""How long SageMaker may take to show an update that it has accepted."""

DRAIN = TASK + SDK_RETRIES + _LATEST
"""After this, no call of a task that was displaced can be on its way any more.

SageMaker takes no condition with a change of an endpoint, and StopExecution does not stop a task
that runs: waiting is the only fence there is.
"""


def certain(state: TargetState) -> datetime:
    """A time that is certainly past: the latest one in the state that Step Functions told.

    What SageMaker's and CloudWatch's events say the time is hastens a look and ends no wait: a
    sender may be an hour ahead. How long something takes the schedule and Step Functions say.
    """
    return state.live_since or datetime.min.replace(tzinfo=UTC)
