"""How a lease ends: what is left of the rollout on the endpoint, and what its target remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.arming import forget_unwatched
from sluice.domain.lease import NOBODY
from sluice.domain.retrying import BACK_OFF
from sluice.domain.rollout import Deployed, Kind, Outcome, Phase, Rollout
from sluice.domain.target import Change, Event, Leftover, Mark, TargetState

if TYPE_CHECKING:
    from datetime import datetime

REMEMBERED = 5
"""How many last good releases a target keeps."""


def release_target(
    state: TargetState | None,
    rollout: Rollout,
    *,
    left: tuple[str, ...] | None = (),
    now: datetime,
) -> Change | None:
    """End the lease; None when it has ended already.

    A signal nobody acted on becomes the rollback that reconcile owes; what `left` names, variants
    that still stand beside what serves, is to be dropped later (None: that cannot be said).
    """
    if state is None or state.holder != rollout.id:
        return None
    halted = rollout.outcome is Outcome.HALTED
    proven = rollout.proven and not rollout.taken_back
    said = state.accusation
    owed = said if said and _is_live(state, said.release) else None
    released = state.model_copy(
        update={
            **NOBODY,
            "word": None,
            "displaced": "",
            "drain_until": None,
            "settle_owed": _settle_owed(state, left, now=now),
            "phase": Phase.HALTED if halted else Phase.IDLE,
            "last_good": _last_good(state, rollout, proven=proven),
            "suspect": _cleared(state, rollout.release) if proven else state.suspect,
            "disarmed": forget_unwatched(state),
            # What a halt could not mend is not tried again by itself.
            "rollback_owed": owed or (None if halted else state.rollback_owed),
        }
    )
    name = rollout.release.release
    events = [Event(now, "Settled", _ended(rollout, proven=proven), name)]
    if left:
        events.insert(
            0, Event(now, "SettleOwed", f"still on the endpoint: {', '.join(left)}", name)
        )
    return Change(released, tuple(events))


def _ended(rollout: Rollout, *, proven: bool) -> str:
    """How it ended, and what nobody should have to find out when they need a way back."""
    if proven or rollout.outcome is not Outcome.PROMOTED or rollout.kind is Kind.SETTLE:
        return str(rollout.outcome)
    why = "it served without data, or with an alarm that was not OK"
    return f"{rollout.outcome}, and no rollback lands on it: {why}"


def _settle_owed(
    state: TargetState, left: tuple[str, ...] | None, *, now: datetime
) -> Leftover | None:
    if not left:
        return state.settle_owed if left is None else None
    before = state.settle_owed
    attempts = before.attempts + 1 if before and before.variants == left else 0
    wait = BACK_OFF[min(attempts, len(BACK_OFF) - 1)]
    return Leftover(variants=left, attempts=attempts, not_before=now + wait)


def leftover(rollout: Rollout) -> Deployed | None:
    """The release whose variant still stands beside the other and serves nobody."""
    if rollout.kind is not Kind.CANARY:
        return None
    return _loser(rollout)


def survivor(rollout: Rollout) -> Deployed | None:
    """The release that goes on serving when the leftover is dropped."""
    return rollout.stable if rollout.taken_back else rollout.release


def retired(rollout: Rollout) -> Deployed | None:
    """The release that this rollout put out of service: nothing watches it any more."""
    if rollout.stuck:
        return None
    if rollout.kind in {Kind.CANARY, Kind.GUARDRAIL}:
        return _loser(rollout)
    return rollout.replaced if rollout.promoted or rollout.landed else rollout.release


def _loser(rollout: Rollout) -> Deployed | None:
    return rollout.release if rollout.taken_back else rollout.stable


def _is_live(state: TargetState, release: object) -> bool:
    return state.live is not None and state.live.release == release


def _cleared(state: TargetState, release: Deployed) -> dict[str, Mark]:
    """The suspects without a release that has just served well again."""
    return {name: mark for name, mark in state.suspect.items() if name != str(release.release)}


def _last_good(state: TargetState, rollout: Rollout, *, proven: bool) -> tuple[Deployed, ...]:
    """What the target may go back to, newest first: with what this rollout has shown to serve well.

    A release that was among them keeps its place: what it served before was not in doubt.
    """
    known, stable = state.last_good, rollout.stable
    if stable and rollout.stable_served and not _doubted_or_known(state, stable):
        known = (stable, *known)
    if proven:
        release = rollout.release
        known = (release, *(one for one in known if one.release != release.release))
    return known[:REMEMBERED]


def _doubted_or_known(state: TargetState, stable: Deployed) -> bool:
    marked = {*state.bad, *state.suspect}
    known = {one.release for one in state.last_good}
    return str(stable.release) in marked or stable.release in known
