"""Ends that say nothing of the release: AWS had no room or no time. The approval is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.rollout import Verdict
from sluice.domain.target import Retry

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.rollout import Rollout
    from sluice.domain.target import TargetState

PASSING = (
    "ResourceLimitExceeded",  # a quota, or instances of the account that are in use elsewhere
    "InsufficientInstanceCapacity",  # in an endpoint's FailureReason
    "InsufficientCapacity",
    "ThrottlingException",
    "TooManyRequestsException",
    "Rate exceeded",
    "PROBE_NOT_ANSWERED",  # ours: Bedrock said nothing of the release
    "ServiceUnavailableException",
    "ModelNotReadyException",
    "ModelTimeoutException",
)
"""What AWS says when the same call may succeed later: a closed list."""

BACK_OFF = (timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=60))
"""How long after each end the rollout is tried again: three times."""


def passing(reason: str) -> bool:
    """Whether what ended a rollout may have passed by itself when it is tried again."""
    return any(words in reason for words in PASSING)


def put_off(state: TargetState, rollout: Rollout, *, now: datetime) -> Retry | None:
    """When the rollout is to be tried again; None if this was its end.

    What an alarm, a verdict or a person has ended is never tried again, whatever AWS said, too.
    """
    judged = rollout.blames or rollout.verdict is Verdict.FAILED or state.signal
    if judged or rollout.promoted or not passing(rollout.reason):
        return None
    before = (
        state.retry if state.retry and state.retry.approval_seq == rollout.approval_seq else None
    )
    attempts = before.attempts if before else 0
    if attempts >= len(BACK_OFF):
        return None
    return Retry(
        approval_seq=rollout.approval_seq,
        attempts=attempts + 1,
        not_before=now + BACK_OFF[attempts],
        reason=rollout.reason,
    )


def waiting(state: TargetState, approval_seq: int, *, now: datetime) -> str:
    """Why what was put off is not to be tried yet, or nothing."""
    retry = state.retry
    if retry is None or retry.approval_seq != approval_seq or now >= retry.not_before:
        return ""
    return f"tried again at {retry.not_before.isoformat()}: {retry.reason}"
