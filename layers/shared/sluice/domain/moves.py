"""What a target at rest may need next: a rollout, a person, or nothing but to remember why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.rollout import Phase
from sluice.domain.starting import Start
from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.domain.release import ReleaseName


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing good to fall back to: record it, and call a person."""

    reason: str
    change: Change


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to start, and why; `change` where even that is worth remembering."""

    reason: str
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Consume:
    """The approval is consumed and nothing begins: record it, and tell people."""

    reason: str
    release: ReleaseName
    change: Change


type Move = Start | Halt | Idle | Consume


def halt(state: TargetState, release: ReleaseName, reason: str, *, now: datetime) -> Halt:
    """The target is halted because of what serves it."""
    halted = state.model_copy(update={"phase": Phase.HALTED, "rollback_owed": None})
    return Halt(reason, Change(halted, (Event(now, "Halted", reason, release),)))


def consume(state: TargetState, release: ReleaseName, reason: str, *, now: datetime) -> Consume:
    """The approval that is wanted next comes to nothing."""
    consumed = state.model_copy(update={"wanted": None, "retry": None})
    return Consume(reason, release, Change(consumed, (Event(now, "Aborted", reason, release),)))
