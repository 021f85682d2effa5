"""Look after a lease: start a holder that never was, wake a waiting one, replace an ended one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.executions import ExecutionStatus
from sluice.domain.lease import heard
from sluice.domain.patience import certain
from sluice.domain.rollout import Phase
from sluice.domain.succession import draining, renew, take_over

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.announcements import Announcements
    from sluice.adapters.executions import Executions
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.release import ReleaseName
    from sluice.domain.rollout import Rollout
    from sluice.domain.target import Change, TargetState
    from sluice.domain.watching import EndpointView
    from sluice.routing import Routers

type _Decide = Callable[..., tuple[Rollout | None, Change | None]]


@dataclass(frozen=True, slots=True)
class Tending:
    """What `reconcile_target` does for a target that somebody holds."""

    targets: Targets
    routers: Routers
    executions: Executions
    announcements: Announcements

    def tend(self, state: TargetState, *, by: datetime | None) -> str:
        """Do what the holder needs; what was done or why nothing was, in words.

        `by` is the schedule's time; None where an event asks. Only the schedule replaces a holder:
        the end of an execution and the event that tells of it must not chase each other, and a
        drain begins and ends by no event's clock.
        """
        if state.rollout is None:
            return f"{state.holder} holds the target"
        match self.executions.status(state.rollout):
            case ExecutionStatus.RUNNING:
                return self._wake(state)
            case ExecutionStatus.UNKNOWN:
                return self._begin(state, state.rollout, by=by)
            case ExecutionStatus.TAKEN:
                return self._displace(state, renew, by=by)
            case ExecutionStatus.ENDED:
                return self._displace(state, take_over, by=by)

    def start(self, state: TargetState, rollout: Rollout, *, by: datetime | None) -> str:
        """Start the execution of a lease that `state` records; what came of it, in words."""
        if self.executions.start(rollout) is ExecutionStatus.TAKEN:
            return self._displace(state, renew, by=by)
        detail = rollout.model_dump(mode="json", exclude_none=True)
        self.announcements.announce_if_possible("RolloutStarted", detail)
        return f"started {rollout.id}"

    def halted(self, target: str, reason: str) -> str:
        """Call a person: the target was halted."""
        detail = {"target": target, "reason": reason}
        message = f"{target} is halted: {reason}. What serves goes on serving."
        self.announcements.announce_if_possible("TargetHalted", detail, message=message)
        return f"halted: {reason}"

    def consumed(self, target: str, release: ReleaseName, reason: str) -> str:
        """Tell people that an approval came to nothing."""
        detail = {"target": target, "release": str(release), "reason": reason}
        message = f"{release} is not rolled out on {target}: {reason}."
        self.announcements.announce_if_possible("ApprovalDropped", detail, message=message)
        return f"consumed: {reason}"

    def _begin(self, state: TargetState, rollout: Rollout, *, by: datetime | None) -> str:
        """Start an execution that never was; one that displaced another, after the drain."""
        if state.displaced:
            self.executions.stop(state.displaced)
        drains = draining(state, now=by or certain(state))
        if drains:
            return drains
        view = self._look(rollout) if state.displaced else None
        if view and not view.settled:
            # The execution's first task reads it a second time before it acts.
            return f"{rollout.target_name} is {view.status}; {rollout.id} waits"
        return self.start(state, rollout, by=by)

    def _look(self, rollout: Rollout) -> EndpointView | None:
        return self.routers.of(rollout.target).describe(rollout.target_name)

    def _wake(self, state: TargetState) -> str:
        """Tell a parked holder what it was signalled: a rejection, or an alarm it missed."""
        answer = heard(state)
        if answer and self.executions.wake(state.token, answer):
            return f"woke {state.holder}: {answer.reason}"
        return f"{state.holder} holds the target"

    def _displace(self, state: TargetState, decide_on: _Decide, *, by: datetime | None) -> str:
        gone = state.holder
        if by is None:
            return f"{gone} is to be replaced; the schedule does it"
        successor: Rollout | None = None

        def decide(latest: TargetState | None) -> Change | None:
            nonlocal successor
            if latest is None or latest.holder != gone:
                return None
            successor, change = decide_on(latest, now=by)
            return change

        left = self.targets.change(state.target, decide)
        if left is None:
            return f"{gone} released the target meanwhile"
        self.executions.stop(gone)
        if successor:
            return f"{successor.id} replaces {gone}: {draining(left, now=by)}"
        return self._tell(left, gone)

    def _tell(self, state: TargetState, gone: str) -> str:
        """Nobody took over: the target is decided anew after the drain, or waits for a person."""
        reason = f"{gone} is displaced, and nobody takes over"
        return self.halted(state.target, reason) if state.phase is Phase.HALTED else reason
