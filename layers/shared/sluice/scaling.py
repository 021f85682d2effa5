"""Suspend autoscaling for a rollout, take it along to what serves, put it back as it was.

Each step is written into the target's state before it is made, and can be made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.autoscaling import NotScalableError
from sluice.domain import names
from sluice.domain.rollout import Kind
from sluice.domain.scalable import Suspended
from sluice.domain.scaling import move, restored, suspend
from sluice.observability import logger, metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.autoscaling import Autoscaling
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.rollout import Rollout
    from sluice.domain.scalable import ScalableTarget, Suspension

_UNREACHABLE = (ClientError, BotoCoreError, NotScalableError)


@dataclass(frozen=True, slots=True)
class Scaling:
    """What rollouts do to scalable targets."""

    targets: Targets
    autoscaling: Autoscaling

    def suspend(self, rollout: Rollout, found: ScalableTarget | None, *, now: datetime) -> None:
        """Let nothing but the rollout take capacity away from what serves.

        Raises DisplacedError, SignalPendingError, and what Application Auto Scaling refuses; a
        rollback is not kept waiting by the latter.
        """
        state = self.targets.change(
            rollout.target, lambda state: suspend(state, rollout, found, now=now)
        )
        if state is None or state.scaling is None:
            return
        try:
            self._suspend(rollout, state.scaling, found.variant if found else "")
        except _UNREACHABLE:
            if rollout.kind is not Kind.ROLL_BACK:
                raise
            _tell_failure("autoscaling not suspended", "ScalingNotSuspended")

    def follow(self, target: str, *, now: datetime) -> None:
        """Take autoscaling along to what is live now, still suspended.

        Traffic must not move because this failed: what is owed stands in the state, and reconcile
        makes up for it.
        """
        try:
            self._move(target, Suspended.during_rollout, now=now)
        except _UNREACHABLE:
            _tell_failure("autoscaling not moved", "ScalingNotMoved")

    def restore(self, target: str, *, now: datetime) -> None:
        """Put autoscaling back as it was, on what is live.

        What Application Auto Scaling refuses stays owed, for the next call. Whoever does it at the
        same time writes the same: nothing is suspended on the way, which only one would take back.
        A rollout that began meanwhile finds what it suspended suspended again.
        """
        try:
            self._move(target, lambda before: before, now=now)
            lost = self._resume(target)
            self._yield_to_rollout(target, now=now)
        except _UNREACHABLE:
            _tell_failure("autoscaling not restored", "ScalingNotRestored")
        else:
            self.targets.change(target, lambda state: restored(state, now=now, lost=lost))

    def _suspend(self, rollout: Rollout, owed: Suspension, variant: str) -> None:
        endpoint = rollout.target_name
        if rollout.kind is Kind.ROLL_BACK:
            self.autoscaling.deregister(endpoint, {owed.before.variant, *owed.placed})
        elif variant:  # else there is nothing to suspend now; what is owed is restored afterwards
            during = owed.before.suspended.during_rollout()
            self.autoscaling.suspend(endpoint, variant, during)

    def _move(
        self, target: str, suspended: Callable[[Suspended], Suspended], *, now: datetime
    ) -> None:
        """Place it on what is live; `suspended` makes of what was suspended before what is now."""
        state = self.targets.change(target, lambda state: move(state, now=now))
        if not (state and state.scaling and state.live):
            return
        before, on, endpoint = state.scaling.before, state.live.variant, names.name_of(target)
        self.autoscaling.place(
            endpoint, before, on=on, suspended=suspended(before.suspended), now=now
        )
        self.autoscaling.deregister(endpoint, {before.variant, *state.scaling.placed} - {on})

    def _resume(self, target: str) -> str:
        """Resume what was not suspended before; why there is nothing to resume, or nothing."""
        state, endpoint = self.targets.read(target), names.name_of(target)
        if state is None or state.holder or state.scaling is None or state.live is None:
            return ""
        if not self.autoscaling.registered(endpoint, [state.live.variant]):
            return "somebody deregistered it meanwhile"  # whoever did wants it so
        before = state.scaling.before.suspended
        self.autoscaling.suspend(endpoint, state.live.variant, before)
        return ""

    def _yield_to_rollout(self, target: str, *, now: datetime) -> None:
        """Do again what a rollout did that has begun since: a call takes no condition with it."""
        state, endpoint = self.targets.read(target), names.name_of(target)
        if not (state and state.holder and state.rollout and state.scaling and state.live):
            return
        if state.rollout.promoted:
            self._move(target, Suspended.during_rollout, now=now)
            return
        on = self.autoscaling.registered(endpoint, [state.live.variant])
        self._suspend(state.rollout, state.scaling, "".join(on))


def _tell_failure(what: str, metric: str) -> None:
    logger.exception(what)
    metrics.add_metric(name=metric, unit="Count", value=1)
