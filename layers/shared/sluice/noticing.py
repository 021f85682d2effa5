"""Alarms whose event never came: the schedule reads their states itself.

An alarm's actions and events happen on transitions only, so one that keeps firing says nothing
more: not when a maintenance window ends, not when a rollback failed. While a rollout is in flight
`watch_rollout` looks at its alarms; after that nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sluice.domain.alarm import Firing, Owe, Watched, respond
from sluice.domain.arming import Readings, remark

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.rollout import Deployed
    from sluice.domain.target import Change, TargetState


@dataclass(frozen=True, slots=True)
class Noticing:
    """What the schedule notices of a target at rest."""

    targets: Targets
    alarms: Alarms

    def notice(self, targets: Iterable[str], *, now: datetime) -> list[TargetState]:
        """Owe each target a rollback if what serves it is in alarm and nobody has acted on it.

        What cannot be read is looked at again the next time; each target's history says so. Returns
        the targets at rest as they were.
        """
        resting = [state for target in targets if (state := self._resting(target))]
        names = [name for state in resting if state.live for name in _watching(state.live)]
        readings = self.alarms.read(names) if names else Readings()
        for state in resting:
            if state.live:
                self._remember(state, readings.only(_watching(state.live)), now=now)
                self._owe(state.target, state.live, readings, now=now)
        return resting

    def _resting(self, target: str) -> TargetState | None:
        """The target's state if nobody holds it."""
        try:
            state = self.targets.read(target)
        except ValidationError:  # reconcile reads it next, and says so
            return None
        return state if state and not state.holder else None

    def _remember(self, state: TargetState, readings: Readings, *, now: datetime) -> None:
        def decide(latest: TargetState | None) -> Change | None:
            return remark(latest, readings, now=now) if latest else None

        if decide(state):
            self.targets.change(state.target, decide)

    def _owe(self, target: str, live: Deployed, readings: Readings, *, now: datetime) -> None:
        """Take to the target each alarm that is found in ALARM, its variant's own ones first."""
        own = Watched(target=target, release=live.release, variant=live.variant, epoch=live.epoch)
        shared = Watched(target=target, epoch=live.epoch)
        found = [(own, readings.firing(live.alarms)), (shared, readings.firing(live.watch))]
        for watched, firing in found:
            for name in firing:
                fired = Firing(name=name, reason="found in ALARM by the schedule", at=now)
                self._take_to(watched, fired)

    def _take_to(self, watched: Watched, fired: Firing) -> None:
        def decide(latest: TargetState | None) -> Change | None:
            response = respond(latest, watched, fired) if latest else None
            return response.change if isinstance(response, Owe) else None

        self.targets.change(watched.target, decide)


def _watching(live: Deployed) -> tuple[str, ...]:
    return (*live.alarms, *live.watch)
