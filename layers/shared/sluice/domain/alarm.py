"""What a CloudWatch alarm means for the target it watches, in the phase the target is in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sluice.domain.release import ReleaseName
from sluice.domain.rollout import Phase
from sluice.domain.target import Cause, Change, Event, Signal, TargetState
from sluice.domain.values import Value

if TYPE_CHECKING:
    from datetime import datetime


class AlarmState(StrEnum):
    """A CloudWatch alarm's state, spelled as CloudWatch does."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Watched(Value):
    """What an alarm watches: `ALARM#arn / TARGET`."""

    target: str
    release: ReleaseName
    variant: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Firing:
    """An alarm that went into ALARM."""

    name: str
    reason: str
    at: datetime
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Ignore:
    """No traffic changes because of this alarm, and why."""

    reason: str


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
    if firing.muted:
        return Ignore("MUTED: the alarm is in a maintenance window")
    if state.rollout and state.rollout.release.variant == watched.variant:
        return _during_rollout(state, watched, firing)
    if state.live is None or state.live.variant != watched.variant:
        return Ignore(f"NOT_SERVING: {watched.variant} does not serve {state.target} any more")
    if state.holder:
        return Ignore(f"STABLE_ALARM: {watched.variant} is stable; the canary is not blamed")
    if state.phase is Phase.HALTED:
        return Ignore(f"HALTED: {state.target} waits for a person")
    if state.rollback_owed:
        return Ignore("KNOWN: a rollback is owed already")
    owed = _signal(watched, firing, blames=False)
    change = Change(state.model_copy(update={"rollback_owed": owed}), (_event(watched, firing),))
    return Owe(change)


def _during_rollout(state: TargetState, watched: Watched, firing: Firing) -> Response:
    if state.signal:
        return Ignore("KNOWN: the holder has been told already")
    if state.rollout and state.rollout.taken_back:
        return Ignore(f"KNOWN: {watched.release} has been taken back already")
    if _only_tested(state):
        return Ignore(f"TESTED: {watched.variant} has answered nobody but its smoke test")
    signal = _signal(watched, firing, blames=True)
    return Tell(Change(state.model_copy(update={"signal": signal}), (_event(watched, firing),)))


def _only_tested(state: TargetState) -> bool:
    """Whether nothing but the smoke test can have made the alarm fire.

    Should it be firing still when users come, the first look at the bake sees it.
    """
    tested = state.rollout is not None and state.rollout.trial is not None
    return tested and state.phase is Phase.PROVISIONING


def _signal(watched: Watched, firing: Firing, *, blames: bool) -> Signal:
    reason = f"alarm {firing.name}: {firing.reason}"
    return Signal(
        cause=Cause.ALARM, release=watched.release, reason=reason, at=firing.at, blames=blames
    )


def _event(watched: Watched, firing: Firing) -> Event:
    return Event(firing.at, "AlarmFired", f"{firing.name}: {firing.reason}", watched.release)
