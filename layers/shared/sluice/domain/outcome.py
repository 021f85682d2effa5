"""What a rollout comes to: promotion, or what it was given is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.arming import disarm
from sluice.domain.lease import as_recorded, held, unsignalled
from sluice.domain.retreat import FAILED, NO_ENDPOINT
from sluice.domain.retrying import put_off
from sluice.domain.rollout import Kind, Outcome, Rollout, Verdict
from sluice.domain.superseding import is_superseded
from sluice.domain.target import (
    Cause,
    Change,
    Event,
    Incident,
    Mark,
    Retry,
    Signal,
    TargetState,
    Wanted,
)

if TYPE_CHECKING:
    from datetime import datetime


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
    heard = _heard(current.rollback_owed, now=now)
    armed = disarm(current, rollout.watch, at=heard) if rolled_back else current
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
            "edited": "",
        }
    )
    event = Event(now, str(outcome), rollout.reason, rollout.release.release, rollout.evidence)
    return Change(promoted, (event,)), done


def take_back(
    state: TargetState | None, rollout: Rollout, *, now: datetime
) -> tuple[Change, Rollout]:
    """The release does not serve any more; its approval is consumed, its fault remembered.

    Where there is no stable to return to, what serves goes on serving: `Halted`; where it stands
    by no more, a rollback is owed. Raises DisplacedError.
    """
    current = held(state, rollout)
    if current.rollout and current.rollout.taken_back:
        return Change(current), current.rollout
    rollout = _with_trouble(as_recorded(current, rollout))
    if rollout.landed and rollout.promoted:
        return _owe(current, rollout, now=now)
    rollout = _with_cause(current, rollout)
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
        "edited": rollout.reason if rollout.edited else current.edited,
    }
    update |= _serving(current, rollout, outcome, now=now)
    current = disarm(current, rollout.watch, at=_heard(current.signal, now=now))
    reason = f"{rollout.reason}; {_again(retry)}" if retry else rollout.reason
    event = Event(now, str(outcome), reason, rollout.release.release, rollout.evidence)
    return Change(current.model_copy(update=update), (event,)), done


def _owe(state: TargetState, rollout: Rollout, *, now: datetime) -> tuple[Change, Rollout]:
    """The release stays promoted; what was heard of it too late is answered by a rollback."""
    release = rollout.release.release
    done = rollout.model_copy(update={"outcome": Outcome.PROMOTED})
    signal = state.signal
    if signal is None and rollout.verdict is Verdict.FAILED and state.rollback_owed is None:
        signal = Signal(cause=Cause.ALARM, release=release, reason=rollout.reason, at=now)
    if signal is None:
        return Change(state.model_copy(update={"rollout": done})), done
    owing = state.model_copy(update={"rollout": done, "signal": None, "rollback_owed": signal})
    reason = f"{signal.reason}; what stood by is gone, so a last good release is to take over"
    return Change(owing, (Event(now, "RollbackOwed", reason, release),)), done


def _heard(signal: Signal | None, *, now: datetime) -> datetime:
    """Until when an alarm has been heard: its event may come again, by its sender's clock."""
    return max(now, signal.at) if signal else now


def _is_automatic(state: TargetState) -> bool:
    """Whether an alarm or a verdict on the release itself is behind what is taken back."""
    return state.signal is None or state.signal.cause not in {Cause.REJECTION, Cause.PARTNER}


def _with_cause(state: TargetState, rollout: Rollout) -> Rollout:
    """The rollout with the reason of a signal that blames and came when it was ending already."""
    late = state.signal if state.signal and state.signal.blames and not rollout.blames else None
    return rollout.model_copy(update={"reason": late.reason}) if late else rollout


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
    if _goes_further(state, rollout):
        return Outcome.FAILED
    if rollout.promoted:
        return Outcome.ROLLED_BACK if rollout.stable else Outcome.HALTED
    if not blames and is_superseded(state, rollout):
        return Outcome.SUPERSEDED
    return Outcome.HALTED if rollout.kind is Kind.ROLL_BACK else Outcome.ABORTED


def _serving(
    state: TargetState, rollout: Rollout, outcome: Outcome, *, now: datetime
) -> dict[str, object]:
    """What serves when traffic is where it goes, and what is to serve instead."""
    update = dict[str, object]()
    if rollout.landed:
        update |= {"live": rollout.release, "live_since": now}
    if outcome is Outcome.FAILED:
        return {**update, "rollback_owed": _still_owed(state, rollout)}
    if outcome is Outcome.ROLLED_BACK:
        update |= {"live": rollout.stable, "live_since": now}
    automatic = rollout.automatic if rollout.landed else _is_automatic(state)
    if automatic and (rollout.landed or outcome is Outcome.ROLLED_BACK):
        update["rolled_back_at"] = now
    return update


def _goes_further(state: TargetState, rollout: Rollout) -> bool:
    """Whether the next good release is to be tried in place of this one, which did not come up.

    What has taken over goes on serving, unless its test failed or a person rejected it: an alarm
    on it shows that the version is not the fault.
    """
    if rollout.kind is not Kind.ROLL_BACK or rollout.promoted or state.rollback_owed is None:
        return False
    if not rollout.landed:
        return True
    if state.signal:
        return state.signal.cause in {Cause.REJECTION, Cause.PARTNER}
    return rollout.verdict is Verdict.FAILED and not rollout.blames


def _still_owed(state: TargetState, rollout: Rollout) -> Signal | None:
    """The rollback owed, of what serves now; what was tried in vain is not tried for it again."""
    owed, tried = state.rollback_owed, rollout.release.release
    if owed is None:
        return None
    serves = tried if rollout.landed else owed.release
    return owed.model_copy(update={"release": serves, "tried": (*owed.tried, tried)})


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
