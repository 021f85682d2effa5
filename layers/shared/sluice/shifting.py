"""Give the canary its step's weight; take it away again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.lease import Shift, as_recorded, intend, shifted
from sluice.domain.retreat import Delete, Retreat, SetWeights, retreat
from sluice.domain.rollout import Action, Rollout

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.ledger.targets import Targets


@dataclass(frozen=True, slots=True)
class Shifting:
    """The task of the states `ShiftTraffic` and `RollBack`."""

    targets: Targets
    endpoint: Endpoint

    def carry_out(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Shift the traffic as the rollout's action says, and record it.

        Raises DisplacedError, SignalPendingError (onward only) and EndpointBusyError, which the
        machine retries: SageMaker refuses a weight change while another update is under way.
        """
        onward = rollout.action is Action.SHIFT
        intent = f"{rollout.action} at {rollout.weight} %"
        state = self.targets.change(
            rollout.target, lambda state: intend(state, rollout, intent, onward=onward)
        )
        known = as_recorded(state, rollout) if state else rollout
        shift = self._onward(known) if onward else self._back(known)
        if shift:
            self.targets.change(
                rollout.target, lambda state: shifted(state, rollout, shift, now=now)
            )
        return known

    def _onward(self, rollout: Rollout) -> Shift:
        stable = rollout.stable.variant if rollout.stable else ""
        weights = {stable: 100 - rollout.weight, rollout.release.variant: rollout.weight}
        self.endpoint.set_weights(rollout.endpoint, weights)
        return Shift(weights)

    def _back(self, rollout: Rollout) -> Shift | None:
        view = self.endpoint.describe(rollout.endpoint)
        way: Retreat = retreat(rollout, view)
        if view and not view.settled and (rollout.stable or isinstance(way, Delete)):
            # What is under way may yet bring the canary up, or give it weight.
            raise EndpointBusyError(rollout.endpoint)
        match way:
            case SetWeights():
                self.endpoint.set_weights(rollout.endpoint, way.weights)
                return Shift(way.weights)
            case Delete():
                self.endpoint.delete(rollout.endpoint)
        return None
