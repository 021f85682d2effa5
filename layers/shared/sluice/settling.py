"""How a rollout ends: promotion, rollback and the lease's release, each recorded and told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.outcome import leftover, promote, release_target, retired, survivor, take_back
from sluice.domain.release import ApprovalChange
from sluice.domain.rollout import Action, Outcome, Rollout
from sluice.observability import logger, metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.announcements import Announcements
    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.registry import Registry
    from sluice.domain.target import Change, TargetState
    from sluice.scaling import Scaling

_ANNOUNCED = {
    Outcome.PROMOTED: "ReleasePromoted",
    Outcome.ABORTED: "ReleaseRolledBack",
    Outcome.ROLLED_BACK: "ReleaseRolledBack",
    Outcome.HALTED: "TargetHalted",
    Outcome.SUPERSEDED: "ReleaseRolledBack",
    Outcome.DEFERRED: "RolloutDeferred",
}


@dataclass(frozen=True, slots=True)
class Settling:
    """The task of the states `Promote`, `RecordOutcome` and `ReleaseTarget`."""

    targets: Targets
    releases: Releases
    endpoint: Endpoint
    registry: Registry
    alarms: Alarms
    announcements: Announcements
    scaling: Scaling

    def carry_out(self, rollout: Rollout, *, now: datetime) -> Rollout:
        """Do what the rollout's action asks for. Raises DisplacedError, SignalPendingError."""
        tasks: dict[Action, Callable[..., Rollout]] = {
            Action.PROMOTE: self._promote,
            Action.ROLL_BACK: self._take_back,
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

        self.targets.change(rollout.target, decide)
        if done.blames:
            self._reject(done, now=now)
        done = self._with_settle_config(done)
        self._tell(done)
        self.scaling.follow(rollout.target, now=now)
        return done

    def _reject(self, rollout: Rollout, *, now: datetime) -> None:
        """Reject the package, and record that we did: a person's later approval is then news."""
        arn = rollout.release.package_arn
        self.registry.reject(arn, rollout.reason)
        release, package = self.releases.get(rollout.release.release), self.registry.find(arn)
        if release is None or package is None or release.approval is package.approval:
            return
        seen = ApprovalChange(
            status=package.approval,
            last_modified=package.last_modified,
            actor=package.last_modified_by,
            observed_at=now,
        )
        with suppress(ConditionFailedError):  # reconcile observed it first
            self.releases.record(release, seen)

    def _release(self, rollout: Rollout, *, now: datetime) -> Rollout:
        gone = retired(rollout)
        if gone:
            for arn in self.alarms.delete(gone.alarms).values():
                self.targets.forget(arn)
        self.targets.change(rollout.target, lambda state: release_target(state, rollout, now=now))
        return rollout

    def _with_settle_config(self, rollout: Rollout) -> Rollout:
        """Name the configuration to settle on, if the leftover stands on the endpoint at all."""
        gone, staying = leftover(rollout), survivor(rollout)
        view = self.endpoint.describe(rollout.endpoint) if gone and staying else None
        left = view and gone and (gone.variant in view.variants or not view.settled)
        if staying is None or not left or rollout.stuck:
            return rollout.model_copy(update={"settle_config": ""})
        return rollout.model_copy(update={"settle_config": staying.endpoint_config})

    def _tell(self, rollout: Rollout) -> None:
        if rollout.outcome is None:
            return
        detail = rollout.model_dump(mode="json", exclude_none=True)
        told = self.announcements.announce_if_possible(
            _ANNOUNCED[rollout.outcome], detail, message=_sentence(rollout)
        )
        if not told:
            # What happened stands in the ledger; traffic must not move because a message did not.
            logger.error("outcome not announced", outcome=rollout.outcome)
            metrics.add_metric(name="OutcomeNotAnnounced", unit="Count", value=1)


def _sentence(rollout: Rollout) -> str:
    """What people read: what happened to which release, why, and what serves now."""
    release, endpoint = rollout.release.release, rollout.endpoint
    match rollout.outcome:
        case Outcome.PROMOTED:
            return f"{release} serves all traffic of {endpoint}: {rollout.reason}."
        case Outcome.ROLLED_BACK if not rollout.taken_back:
            return f"{endpoint} was rolled back to {release}: {rollout.reason}."
        case Outcome.HALTED:
            return (
                f"{endpoint} is halted: {rollout.reason}. No release served it well and is still "
                f"approved, so what serves goes on serving. Approve a fixed version."
            )
        case Outcome.DEFERRED:
            return f"{release} is tried again on {endpoint} later: {rollout.reason}."
        case _:
            stays = (
                f"{rollout.stable.release} serves all traffic"
                if rollout.stable
                else "nothing serves"
            )
            return f"{release} was taken off {endpoint}: {rollout.reason}. {stays}."
