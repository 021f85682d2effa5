"""The one function that changes what an endpoint or an alias serves.

Each act: its intent is written on the epoch, the endpoint is read, changed if it is not yet as
intended, and the outcome recorded. Running twice, or after a lost reply, finds the first run's
work. What AWS refuses is no error here: the machine waits for the endpoint to settle, and
whoever looks at it then says what became of the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.endpoint import EndpointBusyError, EndpointRefusedError
from sluice.domain import names
from sluice.domain.lease import Act, acted, as_recorded, intend, leads_onward
from sluice.domain.retreat import Delete, Reissue, Retreat, SetWeights, Stay, confirm, retreat
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.domain.settlement import survivor
from sluice.domain.statuses import Allowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.ledger.targets import Targets
    from sluice.routing import Routers, TrafficRouter


@dataclass(frozen=True, slots=True)
class Shifting:
    """The task of `Provision`, `ShiftTraffic`, `RollBack`, `DropVariant` and `ConfirmWeights`."""

    targets: Targets
    routers: Routers

    def carry_out(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Change the endpoint as the rollout's action says, and record it.

        Raises DisplacedError, SignalPendingError (onward only) and EndpointBusyError, which the
        machine retries: SageMaker refuses a change while another one is under way.
        """
        acts: dict[Action, Callable[[Rollout], Act]] = {
            Action.CREATE: self._create,
            Action.UPDATE: self._update,
            Action.SHIFT: self._shift,
            Action.SETTLE: self._drop,
            Action.RELEASE: self._confirm,
        }
        onward, intent = leads_onward(rollout), _intent(rollout)
        state = self.targets.change(
            rollout.target, lambda state: intend(state, rollout, intent, onward=onward)
        )
        known = as_recorded(state, rollout) if state else rollout
        act = acts.get(rollout.action, self._back)(known)
        self.targets.change(rollout.target, lambda state: acted(state, known, act, now=now))
        if act.under_way:
            raise EndpointBusyError(rollout.target_name)
        found = {"refused": act.refused, "stuck": act.stuck, "landed": act.landed}
        return known.model_copy(update=found)

    def _create(self, rollout: Rollout) -> Act:
        view = self._router(rollout).describe(rollout.target_name)
        if view and view.config == rollout.provision_config:
            return Act()  # Failed, too: it is created once, and what became of it is looked at
        if view and (not view.settled or view.allowed is Allowed.RECREATE):
            if view.settled:
                self._router(rollout).delete(rollout.target_name)
            raise EndpointBusyError(rollout.target_name)
        return self._try(
            lambda: self._router(rollout).create(rollout.target_name, rollout.provision_config)
        )

    def _update(self, rollout: Rollout) -> Act:
        return self._put_on(rollout, rollout.provision_config, keep_counts=False)

    def _drop(self, rollout: Rollout) -> Act:
        return self._put_on(rollout, rollout.settle_config, keep_counts=True)

    def _put_on(self, rollout: Rollout, config: str, *, keep_counts: bool) -> Act:
        view = self._router(rollout).describe(rollout.target_name)
        if view and view.has(config):
            return Act()
        if view and not view.settled:
            raise EndpointBusyError(rollout.target_name)
        return self._try(
            lambda: self._router(rollout).update(
                rollout.target_name, config, keep_counts=keep_counts
            )
        )

    def _shift(self, rollout: Rollout) -> Act:
        if rollout.kind is Kind.GUARDRAIL:
            return Act()  # the update gave it all traffic
        stable = rollout.stable.variant if rollout.stable else ""
        weights = {stable: 100 - rollout.weight, rollout.release.variant: rollout.weight}
        self._router(rollout).set_weights(rollout.target_name, weights)
        return Act(weights)

    def _back(self, rollout: Rollout) -> Act:
        view = self._router(rollout).describe(rollout.target_name)
        way: Retreat = retreat(rollout, view)
        if view and not view.settled and (rollout.home or isinstance(way, Delete | Reissue)):
            # What is under way may yet bring the canary up, or give it weight.
            raise EndpointBusyError(rollout.target_name)
        match way:
            case SetWeights():
                self._router(rollout).set_weights(rollout.target_name, way.weights)
                return Act(way.weights)
            case Reissue():
                return self._reissue(rollout, way.config)
            case Delete():
                gone = self._try(lambda: self._router(rollout).delete(rollout.target_name))
                return Act(refused=gone.refused, stuck=gone.refused)
            case Stay():
                return Act(stuck=way.reason if way.lost else "", landed=way.landed)

    def _reissue(self, rollout: Rollout, config: str) -> Act:
        serverless = rollout.release.variant == names.SERVERLESS_VARIANT
        again = self._put_on(rollout, config, keep_counts=not serverless)
        if again.refused or not serverless:
            return Act(refused=again.refused, stuck=again.refused)
        # A serverless endpoint is back only when the update has ended.
        return Act({config: 100}, under_way=True)

    def _confirm(self, rollout: Rollout) -> Act:
        staying = survivor(rollout)
        view = self._router(rollout).describe(rollout.target_name)
        again = confirm(staying, view) if staying else None
        if again is None:
            return Act()
        self._router(rollout).set_weights(rollout.target_name, again.weights)
        return Act(again.weights)

    def _router(self, rollout: Rollout) -> TrafficRouter:
        return self.routers.of(rollout.target)

    def _try(self, change: Callable[[], None]) -> Act:
        try:
            change()
        except EndpointRefusedError as error:
            return Act(refused=str(error))
        return Act()


def _intent(rollout: Rollout) -> str:
    match rollout.action:
        case Action.CREATE | Action.UPDATE:
            return f"{rollout.action} to {rollout.provision_config}"
        case Action.SETTLE:
            return f"{rollout.action} on {rollout.settle_config}"
        case _:
            return f"{rollout.action} at {rollout.weight} %"
