"""Whether a rollback is owed, where it lands, and why it may not be carried out.

It lands on the newest release that served this target well (`last_good`), is still Approved and
carries no mark; never on "the newest approved".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.rollout import Phase
from sluice.domain.target import Cause, Signal, TargetState

if TYPE_CHECKING:
    from collections.abc import Set
    from datetime import datetime

    from sluice.domain.release import ReleaseName
    from sluice.domain.rollout import Deployed

COOL_DOWN = timedelta(minutes=60)
"""After an automatic rollback: a second alarm within it shows that the version is not the fault."""


def candidates(state: TargetState, approved: Set[ReleaseName]) -> tuple[Deployed, ...]:
    """Where a rollback may land, best first; never where the one that is owed was tried already."""
    tried = state.rollback_owed.tried if state.rollback_owed else ()
    return tuple(
        good
        for good in state.last_good
        if good.release in approved
        and str(good.release) not in state.bad
        and str(good.release) not in state.suspect
        and good.release not in tried
        and (state.live is None or good.release != state.live.release)
    )


def owing(state: TargetState, approved: Set[ReleaseName], *, now: datetime) -> Signal | None:
    """Why what serves must be rolled back, if it must and a rollback may be begun by itself."""
    if state.live is None:
        return None
    owed = state.rollback_owed
    if owed and owed.release != state.live.release:
        owed = None
    if state.phase is Phase.HALTED:
        # Halted for alarms, and nothing more by itself; a person who rejects what serves is heard.
        return owed if owed and owed.cause is Cause.REJECTION else None
    if owed:
        return owed
    if state.live.release not in approved:
        reason = "no longer approved while live"
        return Signal(cause=Cause.REJECTION, release=state.live.release, reason=reason, at=now)
    return None


def cooling_down(state: TargetState, owed: Signal, cool_down: timedelta, *, now: datetime) -> str:
    """Why no alarm may roll back again yet, or nothing: a second one proves another fault.

    It cannot have come later than now, whatever the clock of its event says.
    """
    before, came = state.rolled_back_at, min(owed.at, now)
    if owed.cause is not Cause.ALARM or before is None or came > before + cool_down:
        return ""
    minutes = max(0, int((came - before).total_seconds() // 60))
    return (
        f"it came {minutes} minutes after an automatic rollback, within the cool-down of "
        f"{cool_down.total_seconds() / 60:.0f} minutes, so the fault is not the version"
    )


def way_out(state: TargetState, owed: Signal, good: tuple[Deployed, ...], cooling: str) -> str:
    """Why a target halts, and what a person can do about it."""
    if not cooling:
        tried = ", ".join(map(str, owed.tried))
        failed = f"{tried} did not come up to take over; " if tried else ""
        other = "no other release" if tried else "no release"
        return f"{owed.reason}; {failed}{other} served {state.target} well and is still approved"
    back = f", or reject it to go back to {good[0].release}" if good else ""
    return (
        f"{owed.reason}; {cooling}. Mend what surrounds it or approve a fixed version; set "
        f"{owed.release} to pending and approve it again to stand by it{back}"
    )
