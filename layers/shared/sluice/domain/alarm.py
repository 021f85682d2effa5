"""What a CloudWatch alarm means for the target it watches, in the phase the target is in.

An alarm watches one variant, or the whole endpoint: what that one says nobody can attribute to a
release, so it takes a canary back without a mark on it. An alarm that changes no traffic stands in
the target's history, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.arming import arms_again, note
from sluice.domain.release import ReleaseName
from sluice.domain.rollout import Deployed, Kind, Phase
from sluice.domain.target import Cause, Change, Event, Signal, TargetState
from sluice.domain.values import Value

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.rollout import Deployed, Rollout

_KNOWN = "KNOWN"
"""What the history says already, or says soon."""


class Watched(Value):
    """What an alarm watches on one target: `ALARM#arn / TARGET#target`."""

    target: str
    release: ReleaseName | None = None
    variant: str = ""
    """Empty: the whole endpoint."""
    epoch: int

    def is_of(self, deployed: Deployed) -> bool:
        """Whether it is this one's: a serverless endpoint has one variant name for all epochs."""
        return (self.variant, self.epoch) == (deployed.variant, deployed.epoch)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alarm that went into ALARM."""

    name: str
    reason: str
    at: datetime
    muted: bool = False
    after_ok: bool = False
    """Whether it was OK just before."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """No traffic changes because of this alarm, and why; `change` where the history says so."""

    reason: str
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """The holder must hear of it: it takes the release back."""

    change: Change


@dataclass(frozen=True, slots=True)
class Owe:
    """Nobody holds the target: reconcile owes it a rollback."""

    change: Change


type Response = Ignore | Tell | Owe


def respond(state: TargetState, watched: Watched, firing: Firing) -> Response:
    """What `firing` calls for. One signal a rollout: what comes after it changes nothing."""
    tried, live = _tried(state, watched, firing), _serving(state, watched, firing)
    reason = _untimely(state, firing)
    if tried:
        reason = reason or _heard_already(state, tried, blames=bool(watched.variant))
        accused, blames, field = tried.release.release, bool(watched.variant), "signal"
    elif live:
        reason = reason or _let_be(state, live, firing)
        accused, blames, field = live.release, False, "rollback_owed"
    else:
        what = watched.variant or f"what {firing.name} watched"
        gone = f"NOT_SERVING: {what} does not serve {state.target} any more"
        return _ignore(state, watched, firing, reason or gone)
    if reason:
        return _ignore(state, watched, firing, reason)
    disarmed = {name: at for name, at in state.disarmed.items() if name != firing.name}
    signal = _signal(accused, firing, blames=blames)
    after = state.model_copy(update={field: signal, "disarmed": disarmed})
    change = Change(after, (_event(accused, firing),))
    return Tell(change) if tried else Owe(change)


def _tried(state: TargetState, watched: Watched, firing: Firing) -> Rollout | None:
    """The rollout whose release the alarm speaks against."""
    rollout = state.rollout
    if rollout is None:
        return None
    if watched.variant:
        return rollout if watched.is_of(rollout.release) else None
    # Until a rollback has taken over, the endpoint is what it rolls back from.
    early = rollout.kind is Kind.ROLL_BACK and not rollout.promoted
    return rollout if firing.name in rollout.watch and not early else None


def _serving(state: TargetState, watched: Watched, firing: Firing) -> Deployed | None:
    """The live release, if the alarm watches it."""
    if state.live is None:
        return None
    if watched.variant:
        return state.live if watched.is_of(state.live) else None
    return state.live if firing.name in state.live.watch else None


def _untimely(state: TargetState, firing: Firing) -> str:
    if firing.muted:
        return "MUTED: the alarm is in a maintenance window"
    if not arms_again(state, firing.name, at=firing.at, after_ok=firing.after_ok):
        return "ALREADY_FIRING: it was in ALARM before and has not been OK since"
    return ""


def _let_be(state: TargetState, live: Deployed, firing: Firing) -> str:
    """Why an alarm on what is live causes no rollback, or nothing."""
    if state.rollout and state.rollout.kind is Kind.ROLL_BACK:
        return f"{_KNOWN}: {live.release} is being rolled back already"
    if state.holder:
        return f"STABLE_ALARM: {live.variant} is stable; the canary is not blamed"
    if state.phase is Phase.HALTED:
        return f"HALTED: {state.target} waits for a person"
    if state.rollback_owed:
        return f"{_KNOWN}: a rollback is owed already"
    return _too_late(state, live, firing)


def _heard_already(state: TargetState, rollout: Rollout, *, blames: bool) -> str:
    """Why the holder need not be told, or nothing: it may yet hear whom an alarm blames."""
    if rollout.taken_back:
        return f"{_KNOWN}: {rollout.release.release} has been taken back already"
    if blames and _only_tested(state):
        return f"TESTED: {rollout.release.variant} has answered nobody but its smoke test"
    signal = state.accusation
    if signal is None:
        return ""
    if blames and not signal.blames and signal.cause is Cause.ALARM:
        return ""
    return f"{_KNOWN}: the holder has been told already"


def _only_tested(state: TargetState) -> bool:
    """Whether nothing but the smoke test can have made the alarm fire.

    Should it be firing still when users come, the first look at the bake sees it.
    """
    tested = state.rollout is not None and state.rollout.trial is not None
    return tested and state.phase is Phase.PROVISIONING


def _too_late(state: TargetState, live: Deployed, firing: Firing) -> str:
    """Why no alarm rolls the live release back any more, or nothing."""
    window = timedelta(seconds=live.auto_rollback_seconds)
    if not window or state.live_since is None or firing.at <= state.live_since + window:
        return ""
    hours = window.total_seconds() / 3600
    return f"TOO_LATE: {live.release} has been live for more than its {hours:g} hours"


def _ignore(state: TargetState, watched: Watched, firing: Firing, reason: str) -> Ignore:
    kind = reason.partition(":")[0]
    if kind == _KNOWN:
        return Ignore(reason)
    said = f"{reason}; {firing.name}: {firing.reason}"
    release = watched.release or (state.live.release if state.live else None)
    event = Event(firing.at, "AlarmIgnored", said, release)
    return Ignore(reason, note(state, f"{kind} {firing.name}", event))


def _signal(release: ReleaseName, firing: Firing, *, blames: bool) -> Signal:
    reason = f"alarm {firing.name}: {firing.reason}"
    return Signal(cause=Cause.ALARM, release=release, reason=reason, at=firing.at, blames=blames)


def _event(release: ReleaseName, firing: Firing) -> Event:
    return Event(firing.at, "AlarmFired", f"{firing.name}: {firing.reason}", release)
