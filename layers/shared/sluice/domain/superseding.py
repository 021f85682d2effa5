"""A newer approval waits for the end of a rollout, unless that one is held: then it ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.rollout import Phase
from sluice.domain.target import Cause, Signal

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.rollout import Rollout
    from sluice.domain.target import TargetState


def superseding(state: TargetState, *, now: datetime) -> Signal | None:
    """What a held rollout is told when another release is wanted after its own; else None."""
    rollout, wanted = state.rollout, state.wanted
    if rollout is None or wanted is None or state.phase is not Phase.HELD:
        return None
    decided = rollout.promoted or rollout.taken_back
    if decided or wanted.seq <= rollout.approval_seq:
        return None
    held = rollout.release.release
    if wanted.release == held:
        return None
    reason = f"superseded by {wanted.release} while it was held"
    return Signal(cause=Cause.SUPERSEDED, release=held, reason=reason, at=now)


def is_superseded(state: TargetState, rollout: Rollout) -> bool:
    """Whether the rollout ends only because a newer release is wanted."""
    return rollout.superseded or (
        state.signal is not None and state.signal.cause is Cause.SUPERSEDED
    )
