"""Which alarms count, and what the history says of those that do not.

An alarm that was in ALARM before a rollout began says nothing about that rollout: it is disarmed,
and armed again by the first OK that is seen. What is ignored is remembered once in an epoch, not
once a flap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime


class AlarmState(StrEnum):
    """A CloudWatch alarm's state, spelled as CloudWatch does."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class Readings:
    """What CloudWatch says of some alarms."""

    alarms: Mapping[str, AlarmState] = field(default_factory=dict)
    """The state of each that exists and could be read."""
    muted: frozenset[str] = frozenset()
    """Those in ALARM that an alarm mute rule mutes now."""
    missing: frozenset[str] = frozenset()
    """Those that do not exist."""
    trouble: str = ""
    """Why none could be read, or nothing."""

    def only(self, names: Iterable[str]) -> Readings:
        """The same of these alarms alone."""
        wanted = set(names)
        alarms = {name: state for name, state in self.alarms.items() if name in wanted}
        return Readings(alarms, self.muted & wanted, self.missing & wanted, self.trouble)

    def firing(self, names: Iterable[str], *, disarmed: Collection[str] = ()) -> tuple[str, ...]:
        """Those of the alarms that are in ALARM and count."""
        return tuple(
            name
            for name in names
            if self.alarms.get(name) is AlarmState.ALARM
            and name not in self.muted
            and name not in disarmed
        )


def alarming(alarms: Mapping[str, AlarmState]) -> tuple[str, ...]:
    """The alarms that are in ALARM."""
    return tuple(name for name, state in alarms.items() if state is AlarmState.ALARM)


def disarm(state: TargetState, names: Iterable[str], *, at: datetime) -> TargetState:
    """The state in which these alarms count no more until they have been OK."""
    disarmed = {**dict.fromkeys(names, at), **state.disarmed}
    return state if disarmed == state.disarmed else state.model_copy(update={"disarmed": disarmed})


def arm(state: TargetState, alarms: Mapping[str, AlarmState]) -> TargetState:
    """The state in which those of the alarms that are OK now count again."""
    kept = {
        name: at for name, at in state.disarmed.items() if alarms.get(name) is not AlarmState.OK
    }
    return state if kept == state.disarmed else state.model_copy(update={"disarmed": kept})


def arms_again(state: TargetState, name: str, *, at: datetime, after_ok: bool) -> bool:
    """Whether an alarm's change to ALARM counts: not if it was disarmed and not OK since."""
    since = state.disarmed.get(name)
    return since is None or (after_ok and at > since)


def forget_unwatched(state: TargetState) -> dict[str, datetime]:
    """The disarmed alarms without those that watch nothing any more."""
    live = state.live
    watching = {*live.alarms, *live.watch} if live else set[str]()
    return {name: at for name, at in state.disarmed.items() if name in watching}


def note(state: TargetState, subject: str, event: Event) -> Change | None:
    """Remember the event in the target's history, once in an epoch for each subject; else None."""
    if subject in state.noted:
        return None
    return Change(state.model_copy(update={"noted": (*state.noted, subject)}), (event,))


def remark(state: TargetState, readings: Readings, *, now: datetime) -> Change | None:
    """What a look at the alarms changes by itself: which count again, and what is remembered."""
    current, events = arm(state, readings.alarms), list[Event]()
    watched = state.rollout.release if state.rollout else state.live
    release = watched.release if watched else None
    for subject, event, reason in _remarks(readings):
        said = note(current, subject, Event(now, event, reason, release))
        if said:
            current = said.state
            events += said.events
    return Change(current, tuple(events)) if current is not state else None


def _remarks(readings: Readings) -> Iterator[tuple[str, str, str]]:
    """Subject, event and reason of what a look could not see, or must not act on."""
    for name in sorted(readings.muted):
        reason = f"MUTED: {name} is in ALARM in a maintenance window"
        yield f"MUTED {name}", "AlarmIgnored", reason
    for name in sorted(readings.missing):
        yield f"MISSING {name}", "AlarmsUnread", f"MISSING: {name} does not exist"
    if readings.trouble:
        yield "UNREADABLE", "AlarmsUnread", f"UNREADABLE: {readings.trouble}"
