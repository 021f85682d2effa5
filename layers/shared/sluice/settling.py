"""How a rollout ends: promotion, rollback and the lease's release, each recorded and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.holding import hold, notice
from sluice.domain.outcome import promote, take_back
from sluice.domain.rollout import Action, Outcome, Rollout
from sluice.domain.settlement import leftover, release_target, retired, survivor
from sluice.observability import logger, metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.announcements import Announcements
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.target import Change, TargetState
    from sluice.domain.watching import EndpointView
    from sluice.rejecting import Rejecting
    from sluice.routing import Routers
    from sluice.scaling import Scaling

_ANNOUNCED = {
    Outcome.PROMOTED: "ReleasePromoted",
    Outcome.ABORTED: "ReleaseRolledBack",
    Outcome.ROLLED_BACK: "ReleaseRolledBack",
    Outcome.HALTED: "TargetHalted",
    Outcome.SUPERSEDED: "ReleaseRolledBack",
    Outcome.FAILED: "RollbackFailed",
    Outcome.DEFERRED: "RolloutDeferred",
}


@dataclass(frozen=True, slots=True)
class Settling:
    """The task of the states `Promote`, `TellHeld`, `RecordOutcome` and `ReleaseTarget`."""

    targets: Targets
    routers: Routers
    rejecting: Rejecting
    alarms: Alarms
    announcements: Announcements
    scaling: Scaling

    def carry_out(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Do what the rollout's action asks for. Raises DisplacedError, SignalPendingError."""
        tasks: dict[Action, Callable[..., Rollout]] = {
            Action.PROMOTE: self._promote,
            Action.ROLL_BACK: self._take_back,
            Action.HOLD: self._hold,
        }
        return tasks.get(rollout.action, self._release)(rollout, now=now)

    def _promote(self, rollout: Rollout, *, now: datetime) -> Rollout:
        done = rollout

        def decide(state: TargetState | None) -> Change:
            nonlocal done
            change, done = promote(state, rollout, now=now)
            return change

        self.targets.change(rollout.target, decide)
        done = self._with_settle_config(done)
        self._tell(done)
        self.scaling.follow(rollout.target, now=now)
        return done

    def _take_back(self, rollout: Rollout, *, now: datetime) -> Rollout:
        done = rollout

        def decide(state: TargetState | None) -> Change:
            nonlocal done
            change, done = take_back(state, rollout, now=now)
            return change

        state = self.targets.change(rollout.target, decide)
        if state:
            self.rejecting.reject_bad(state, now=now)
        done = self._with_settle_config(done)
        if done.taken_back:
            self._tell(done)
        self.scaling.follow(rollout.target, now=now)
        return done

    def _hold(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Tell people, then remember that they were told: a task that died tells them again."""
        if hold(self.targets.read(rollout.target), rollout, now=now):
            self._announce("RolloutHeld", rollout, notice(rollout))
            self.targets.change(rollout.target, lambda state: hold(state, rollout, now=now))
        return rollout

    def _release(self, rollout: Rollout, *, now: datetime) -> Rollout:
        gone = retired(rollout)
        if gone:
            for arn in self.alarms.delete(gone.alarms).values():
                self.targets.forget(arn, rollout.target)
        left = self._left(rollout)
        state = self.targets.change(
            rollout.target, lambda state: release_target(state, rollout, left=left, now=now)
        )
        if state:
            self._unwatch(rollout, state)
        return rollout

    def _left(self, rollout: Rollout) -> tuple[str, ...] | None:
        """The variants that stand beside what serves; None if the endpoint does not show that.

        What stands there beside it before anything is put there is not ours to drop.
        """
        if not rollout.is_prepared:
            return None
        staying, view = survivor(rollout), self._look(rollout)
        if view is None or staying is None or staying.variant not in view.variants:
            return None
        return tuple(sorted(set(view.variants) - {staying.variant}))

    def _look(self, rollout: Rollout) -> EndpointView | None:
        return self.routers.of(rollout.target).describe(rollout.target_name)

    def _unwatch(self, rollout: Rollout, state: TargetState) -> None:
        """Forget the alarms on the whole endpoint that what is live now does not name."""
        watching = state.live.watch if state.live else ()
        before = rollout.replaced.watch if rollout.replaced else ()
        left = [name for name in (*rollout.watch, *before) if name not in watching]
        for arn in self.alarms.arns(left).values() if left else ():
            self.targets.forget(arn, rollout.target)

    def _with_settle_config(self, rollout: Rollout) -> Rollout:
        """Name the configuration to settle on, if the leftover stands on the endpoint at all."""
        gone, staying = leftover(rollout), survivor(rollout)
        view = self._look(rollout) if gone and staying else None
        left = view and gone and (gone.variant in view.variants or not view.settled)
        if staying is None or not left or rollout.stuck:
            return rollout.model_copy(update={"settle_config": ""})
        return rollout.model_copy(update={"settle_config": staying.endpoint_config})

    def _tell(self, rollout: Rollout) -> None:
        if rollout.outcome is None:
            return
        self._announce(_ANNOUNCED[rollout.outcome], rollout, _sentence(rollout))

    def _announce(self, detail_type: str, rollout: Rollout, message: str) -> None:
        detail = rollout.model_dump(mode="json", exclude_none=True)
        told = self.announcements.announce_if_possible(detail_type, detail, message=message)
        if not told:
            # What happened stands in the ledger; traffic must not move because a message did not.
            logger.error("not announced", detail_type=detail_type)
            metrics.add_metric(name="OutcomeNotAnnounced", unit="Count", value=1)


def _sentence(rollout: Rollout) -> str:
    """What people read: what happened to which release, why, and what serves now."""
    release, endpoint = rollout.release.release, rollout.target_name
    why = rollout.reason.removesuffix(".")
    match rollout.outcome:
        case Outcome.PROMOTED:
            return f"{release} serves all traffic of {endpoint}: {why}."
        case Outcome.ROLLED_BACK if not rollout.taken_back:
            return f"{endpoint} was rolled back to {release}: {why}."
        case Outcome.HALTED if rollout.stuck:
            return (
                f"{endpoint} is halted: {why}. The schedule tries once to put what "
                f"should serve up again."
            )
        case Outcome.HALTED:
            return (
                f"{endpoint} is halted: {why}. There is no good release to go back to, "
                f"so what serves goes on serving. Approve a fixed version, or set what serves to "
                f"pending and approve it again to stand by it."
            )
        case Outcome.FAILED:
            return (
                f"{release} was to take over {endpoint} and did not come up: {why}. "
                f"Another good release is tried, if there is one."
            )
        case Outcome.DEFERRED:
            return f"{release} is tried again on {endpoint} later: {why}."
        case _:
            stays = (
                f"{rollout.stable.release} serves all traffic"
                if rollout.stable
                else "nothing serves"
            )
            return f"{release} was taken off {endpoint}: {why}. {stays}."
