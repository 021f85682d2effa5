"""Autoscaling that a rollout suspended is put back, whatever became of the rollout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.scaling import nothing_scales, restored

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.announcements import Announcements
    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.target import TargetState
    from sluice.scaling import Scaling


@dataclass(frozen=True, slots=True)
class Restoring:
    """What reconcile does for a target at rest that is owed its autoscaling."""

    targets: Targets
    endpoint: Endpoint
    scaling: Scaling
    announcements: Announcements

    def restore(self, state: TargetState, *, now: datetime) -> None:
        """Put autoscaling back as it was; people are told where there is nothing to put it on."""
        if state.scaling is None:
            return
        lost = nothing_scales(state, self.endpoint.describe(names.name_of(state.target)))
        if not lost:
            self.scaling.restore(state.target, now=now)
            return
        self.targets.change(state.target, lambda latest: restored(latest, now=now, lost=lost))
        detail = {"target": state.target, "reason": lost, "scaling": str(state.scaling.before)}
        message = (
            f"Autoscaling of {state.target} could not be put back: {lost}. It was: "
            f"{state.scaling.before}."
        )
        self.announcements.announce_if_possible("ScalingLost", detail, message=message)
