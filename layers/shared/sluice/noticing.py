"""Alarms whose event never came: the schedule reads their states itself.

An alarm's actions and events happen on transitions only, so one that keeps firing says nothing
more. While a rollout is in flight `watch_rollout` looks at its alarms; after that nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.alarm import Firing, Owe, Watched, respond
from sluice.domain.watching import alarming

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.target import Change, TargetState


@dataclass(frozen=True, slots=True)
class Noticing:
    """What the schedule notices of a target at rest."""

    targets: Targets
    alarms: Alarms

    def notice(self, target: str, *, now: datetime) -> None:
        """Owe the target a rollback if what serves it is in alarm and nobody has acted on it."""
        state = self.targets.read(target)
        if state is None or state.live is None or state.holder:
            return
        firing = alarming(self.alarms.states(state.live.alarms))
        if not firing:
            return
        watched = Watched(
            target=target,
            release=state.live.release,
            variant=state.live.variant,
            epoch=state.live.epoch,
        )
        fired = Firing(name=", ".join(firing), reason="found in ALARM by the schedule", at=now)

        def decide(latest: TargetState | None) -> Change | None:
            response = respond(latest, watched, fired) if latest else None
            return response.change if isinstance(response, Owe) else None

        self.targets.change(target, decide)
