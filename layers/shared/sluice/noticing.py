"""Alarms whose event never came: the schedule reads their states itself.

An alarm's actions and events happen on transitions only, so one that keeps firing says nothing
more. While a rollout is in flight `watch_rollout` looks at its alarms; after that nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sluice.domain.alarm import Firing, Owe, Watched, respond
from sluice.domain.watching import alarming

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

    def notice(self, targets: Iterable[str], *, now: datetime) -> None:
        """Owe each target a rollback if what serves it is in alarm and nobody has acted on it."""
        resting = [state for target in targets if (state := self._resting(target))]
        names = [name for state in resting if state.live for name in state.live.alarms]
        states = self.alarms.states(names) if names else {}
        for state in resting:
            if state.live:
                own = {name: states[name] for name in state.live.alarms if name in states}
                self._owe(state.target, state.live, alarming(own), now=now)

    def _resting(self, target: str) -> TargetState | None:
        """The target's state if a release serves it and nobody holds it."""
        try:
            state = self.targets.read(target)
        except ValidationError:  # reconcile reads it next, and says so
            return None
        return state if state and state.live and not state.holder else None

    def _owe(self, target: str, live: Deployed, firing: tuple[str, ...], *, now: datetime) -> None:
        if not firing:
            return
        watched = Watched(
            target=target, release=live.release, variant=live.variant, epoch=live.epoch
        )
        fired = Firing(name=", ".join(firing), reason="found in ALARM by the schedule", at=now)

        def decide(latest: TargetState | None) -> Change | None:
            response = respond(latest, watched, fired) if latest else None
            return response.change if isinstance(response, Owe) else None

        self.targets.change(target, decide)
