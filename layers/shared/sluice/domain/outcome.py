"""What a rollout's end writes into its target: promotion, rollback, release of the lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.arming import disarm, forget_unwatched
from sluice.domain.lease import as_recorded, held, unsignalled
from sluice.domain.retreat import FAILED, NO_ENDPOINT
from sluice.domain.retrying import BACK_OFF, put_off
from sluice.domain.rollout import Deployed, Kind, Outcome, Phase, Rollout
from sluice.domain.superseding import is_superseded
from sluice.domain.target import (
    Cause,
    Change,
    Event,
    Incident,
    Leftover,
    Mark,
    Retry,
    TargetState,
    Wanted,
)

if TYPE_CHECKING:
    from datetime import datetime

REMEMBERED = 5
"""How many last good releases a target keeps."""


def promote(
    state: TargetState | None, rollout: Rollout, *, now: datetime
) -> tuple[Change, Rollout]:
    """The release serves all traffic: it is live from now on, and its approval is consumed.

    Raises DisplacedError, and SignalPendingError: nothing is promoted against a signal.
    """
    current = unsignalled(state, rollout)
    if current.rollout and current.rollout.promoted:
        return Change(current), current.rollout
    rolled_back = rollout.kind is Kind.ROLL_BACK
    outcome = Outcome.ROLLED_BACK if rolled_back else Outcome.PROMOTED
    done = rollout.model_copy(update={"outcome": outcome, "promoted": True})
    # What took over hears of an alarm on the whole endpoint when that has been OK once.
    armed = disarm(current, rollout.watch, at=now) if rolled_back else current
    automatic = rolled_back and rollout.automatic
    promoted = armed.model_copy(
        update={
            "live": rollout.release,
            "live_since": now,
            "wanted": unconsumed(current, rollout),
            "rollout": done,
            "rollback_owed": None,
            "retry": None,
            "incident": None,
            "rolled_back_at": now if automatic else current.rolled_back_at,
        }
    )
    event = Event(now, str(outcome), rollout.reason, rollout.release.release)
    return Change(promoted, (event,)), done


def take_back(
    state: TargetState | None, rollout: Rollout, *, now: datetime
) -> tuple[Change, Rollout]:
    """The release does not serve any more; its approval is consumed, its fault remembered.

    Where there is no stable to return to, what serves goes on serving: `Halted`.
    Raises DisplacedError.
    """
    current = held(state, rollout)
    if current.rollout and current.rollout.taken_back:
        return Change(current), current.rollout
    rollout = _with_trouble(as_recorded(current, rollout))
    blames, retry = _blames(current, rollout), put_off(current, rollout, now=now)
    outcome = _outcome(current, rollout, blames=blames, retry=retry)
    done = rollout.model_copy(update={"outcome": outcome, "taken_back": True, "blames": blames})
    bad = dict(current.bad)
    if blames:
        bad[str(rollout.release.release)] = Mark(reason=rollout.reason, at=now)
    update: dict[str, object] = {
        "wanted": current.wanted if retry else unconsumed(current, rollout),
        "retry": retry,
        "incident": _incident(current, rollout, now=now),
        "rollout": done,
        "bad": bad,
        "signal": None,
    }
    if rollout.landed:
        update |= {"live": rollout.release, "live_since": now}
        update["rolled_back_at"] = now if rollout.automatic else current.rolled_back_at
    if outcome is Outcome.ROLLED_BACK:
        update |= {"live": rollout.stable, "live_since": now}
        if _is_automatic(current):
            update["rolled_back_at"] = now
    current = disarm(current, rollout.watch, at=now)
    reason = f"{rollout.reason}; {_again(retry)}" if retry else rollout.reason
    event = Event(now, str(outcome), reason, rollout.release.release)
    return Change(current.model_copy(update=update), (event,)), done


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
    owed = state.signal if state.signal and _is_live(state, state.signal.release) else None
    owed = None if owed and owed.cause is Cause.SUPERSEDED else owed
    released = state.model_copy(
        update={
            "holder": "",
            "rollout": None,
            "token": "",
            "parked_at": None,
            "intent": "",
            "signal": None,
            "displaced": "",
            "drain_until": None,
            "settle_owed": _settle_owed(state, left, now=now),
            "phase": Phase.HALTED if halted else Phase.IDLE,
            "last_good": _with(state, rollout.release) if proven else state.last_good,
            "suspect": _cleared(state, rollout.release) if proven else state.suspect,
            "disarmed": forget_unwatched(state),
            # What a halt could not mend is not tried again by itself.
            "rollback_owed": owed or (None if halted else state.rollback_owed),
        }
    )
    name = rollout.release.release
    events = [Event(now, "Settled", f"{rollout.outcome}", name)]
    if left:
        events.insert(
            0, Event(now, "SettleOwed", f"still on the endpoint: {', '.join(left)}", name)
        )
    return Change(released, tuple(events))


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


def _is_automatic(state: TargetState) -> bool:
    """Whether no person's rejection is behind what is taken back."""
    return state.signal is None or state.signal.cause is not Cause.REJECTION


def _with_trouble(rollout: Rollout) -> Rollout:
    """The rollout whose reason tells, too, why traffic could not go where it should."""
    if not rollout.stuck:
        return rollout
    return rollout.model_copy(update={"reason": f"{rollout.reason}; {rollout.stuck}"})


def _incident(state: TargetState, rollout: Rollout, *, now: datetime) -> Incident | None:
    """What serves could not be given its traffic: the schedule tries once to put it up again."""
    if not rollout.stuck or state.incident:
        return state.incident
    return Incident(found=rollout.stuck, at=now, lost=rollout.stuck in {NO_ENDPOINT, FAILED})


def _again(retry: Retry) -> str:
    return f"tried again at {retry.not_before.isoformat()}, for the {retry.attempts}. time"


def _outcome(state: TargetState, rollout: Rollout, *, blames: bool, retry: Retry | None) -> Outcome:
    if retry:
        return Outcome.DEFERRED
    if rollout.stuck:
        return Outcome.HALTED
    if rollout.promoted:
        return Outcome.ROLLED_BACK if rollout.stable else Outcome.HALTED
    if not blames and is_superseded(state, rollout):
        return Outcome.SUPERSEDED
    return Outcome.HALTED if rollout.kind is Kind.ROLL_BACK else Outcome.ABORTED


def _blames(state: TargetState, rollout: Rollout) -> bool:
    """Whether the release is at fault; a signal that nobody read in time blames as well.

    A release that a rollback put in place served well before: when it fails now, the fault is not
    the version, and an outage of something else must not condemn history.
    """
    if rollout.kind is Kind.ROLL_BACK:
        return False
    return rollout.blames or bool(state.signal and state.signal.blames)


def unconsumed(state: TargetState, rollout: Rollout) -> Wanted | None:
    """What is still wanted when the rollout has come to its end: an approval newer than its own."""
    wanted = state.wanted
    return wanted if wanted and wanted.seq > rollout.approval_seq else None


def _is_live(state: TargetState, release: object) -> bool:
    return state.live is not None and state.live.release == release


def _cleared(state: TargetState, release: Deployed) -> dict[str, Mark]:
    """The suspects without a release that has just served well again."""
    return {name: mark for name, mark in state.suspect.items() if name != str(release.release)}


def _with(state: TargetState, release: Deployed) -> tuple[Deployed, ...]:
    others = (good for good in state.last_good if good.release != release.release)
    return (release, *others)[:REMEMBERED]
