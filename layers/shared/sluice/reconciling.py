"""Compare what a target should serve with what it serves; start the rollout it needs, or none.

Called by approval and rejection events, by the schedule, by the end of every rollout and by
`handle_alarm`. Events are hints: each call re-reads the truth from the registry and the ledger, and
the schedule alone does all that events do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.adapters.executions import ExecutionStatus
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.adapters.ledger.targets import ContentionError
from sluice.domain import names
from sluice.domain.approval import Observation, new_target, observe
from sluice.domain.desired import Halt, Idle, Start, next_move, of_interest
from sluice.domain.lease import heard, take_over
from sluice.domain.package import release_named
from sluice.domain.release import ApprovalChange, ApprovalStatus
from sluice.events.triggers import PackageChanged, TargetDue, Tick, Trigger

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.announcements import Announcements
    from sluice.adapters.executions import Executions
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.table import Item
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.registry import Package, Registry
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.rollout import Rollout
    from sluice.domain.target import Change, TargetState
    from sluice.noticing import Noticing

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Looked:
    """What the registry said when it was asked just now."""

    names: set[ReleaseName] = field(default_factory=set)
    """The releases it was asked about."""
    approved: dict[ReleaseName, Release] = field(default_factory=dict)
    """Those that are Approved, as the ledger records them."""

    def note(self, release: Release, approval: ApprovalStatus) -> None:
        """Remember one answer."""
        self.names.add(release.name)
        if approval is ApprovalStatus.APPROVED:
            self.approved[release.name] = release


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The work of `reconcile_target`."""

    targets: Targets
    releases: Releases
    registry: Registry
    executions: Executions
    announcements: Announcements
    noticing: Noticing

    def handle(self, trigger: Trigger) -> list[str]:
        """Do what the trigger points to; what was done, in words."""
        match trigger:
            case PackageChanged():
                return [self.package_changed(trigger.package_arn, now=trigger.at)]
            case TargetDue():
                return [self.reconcile(trigger.target, now=trigger.at)]
            case Tick():
                return self.sweep(now=trigger.at)

    def sweep(self, *, now: datetime) -> list[str]:
        """Do for every release and every target what events would have done.

        The registry is asked by group and the alarms all at once, so that a look at a target at
        rest costs one read of the ledger.
        """
        looked, answers, broken = Looked(), list[str](), list[Exception]()
        for group in self.releases.groups():
            try:
                self._observe_group(group, looked, now=now)
            except Exception as error:  # one group's trouble must not keep the others waiting
                broken.append(error)
        self.noticing.notice(self.targets.known(), now=now)
        for target in self.targets.known():
            try:
                answer = self.reconcile(target, now=now, replace=True, looked=looked)
                answers.append(f"{target}: {answer}")
            except Exception as error:  # nor one target's
                broken.append(error)
        if broken:
            message = f"reconciled {answers}, but not everything"
            raise ExceptionGroup(message, broken)
        return answers

    def package_changed(self, package_arn: str, *, now: datetime) -> str:
        """A package's approval may have changed: observe it, then reconcile its target."""
        package = self.registry.describe(package_arn)
        release = self._release_of(package)
        if release is None:
            return f"{package_arn} is no release of ours"
        refusal = self._observe(release, package, now=now)
        return refusal or self.reconcile(names.target_of(release.target), now=now)

    def reconcile(
        self, target: str, *, now: datetime, replace: bool = False, looked: Looked | None = None
    ) -> str:
        """Start what the target needs; what was done or why nothing was, in words.

        `looked` is what the registry has just said. Only the schedule replaces a holder that ended:
        the end of an execution and the event that tells of it must not chase each other.
        """
        state = self.targets.read(target)
        if state is None:
            return "no approval has named this target yet"
        if state.holder:
            return self._tend(state, now=now, replace=replace)
        if looked is None or not of_interest(state) <= looked.names:
            looked = self._look_at(of_interest(state))
        return self._start_next(state, looked, now=now)

    def _start_next(self, state: TargetState, looked: Looked, *, now: datetime) -> str:
        asked, approved = looked.names, looked.approved
        move = next_move(state, releases=approved, now=now)

        def decide(latest: TargetState | None) -> Change | None:
            nonlocal move
            if latest is None or not of_interest(latest) <= asked:
                # Not asked about is not the same as not approved.
                move = Idle("the target changed meanwhile; whoever changed it looks again")
                return None
            move = next_move(latest, releases=approved, now=now)
            return move.change

        if move.change:
            self.targets.change(state.target, decide)
        match move:
            case Start():
                return self._start(move.rollout)
            case Halt():
                return self._halt(state.target, move.reason)
            case Idle():
                return move.reason

    def _halt(self, target: str, reason: str) -> str:
        detail = {"target": target, "reason": reason}
        message = f"{target} is halted: {reason}. What serves goes on serving."
        self.announcements.announce_if_possible("TargetHalted", detail, message=message)
        return f"halted: {reason}"

    def _start(self, rollout: Rollout) -> str:
        self.executions.start(rollout)
        detail = rollout.model_dump(mode="json", exclude_none=True)
        self.announcements.announce_if_possible("RolloutStarted", detail)
        return f"started {rollout.id}"

    def _tend(self, state: TargetState, *, now: datetime, replace: bool) -> str:
        """Look after a lease: start a holder that never was, replace one that has ended."""
        if state.rollout is None:
            return f"{state.holder} holds the target"
        match self.executions.status(state.holder):
            case ExecutionStatus.RUNNING:
                return self._wake(state)
            case ExecutionStatus.UNKNOWN:
                return self._start(state.rollout)
            case ExecutionStatus.ENDED if replace:
                return self._replace(state, now=now)
            case ExecutionStatus.ENDED:
                return f"{state.holder} has ended; the schedule replaces it"

    def _wake(self, state: TargetState) -> str:
        """Tell a parked holder what it was signalled: a rejection, or an alarm it missed."""
        answer = heard(state)
        if answer and self.executions.wake(state.token, answer):
            return f"woke {state.holder}: {answer.reason}"
        return f"{state.holder} holds the target"

    def _replace(self, state: TargetState, *, now: datetime) -> str:
        gone = state.holder
        successor: Rollout | None = None

        def decide(latest: TargetState | None) -> Change | None:
            nonlocal successor
            if latest is None or latest.holder != gone:
                return None
            successor, change = take_over(latest, now=now)
            return change

        self.targets.change(state.target, decide)
        return self._start(successor) if successor else f"{gone} released the target meanwhile"

    def _look_at(self, wanted: frozenset[ReleaseName]) -> Looked:
        """Ask the registry for each of `wanted`."""
        looked = Looked(names=set(wanted))
        for release in (self.releases.get(name) for name in wanted):
            if release and release.package_arn:
                approval = self.registry.describe(release.package_arn).approval
                looked.note(release, approval)
        return looked

    def _observe_group(self, group: str, looked: Looked, *, now: datetime) -> None:
        releases = self.releases.of_group(group)
        recorded = {one.package_arn: one for one in releases if one.package_arn}
        if not recorded:
            return  # claimed, but nothing is registered yet: the group may not even exist
        # Of several approvals found at once the highest version counts as the newest.
        for summary in sorted(self.registry.packages(group), key=lambda one: one.version):
            release = recorded.get(summary.arn)
            if release is None:
                continue
            if release.approval is not summary.approval:
                self._observe(release, self.registry.describe(summary.arn), now=now)
            looked.note(release, summary.approval)

    def _release_of(self, package: Package) -> Release | None:
        """The release that registered the package; the ledger decides, not the package's words."""
        name = release_named(package.group, package.metadata)
        release = self.releases.get(name) if name else None
        return release if release and release.package_arn == package.arn else None

    def _observe(self, release: Release, package: Package, *, now: datetime) -> str:
        """Record the approval as it is now; the refusal, if its target belongs to others."""
        for _ in range(_ATTEMPTS):
            try:
                return self._record(release, package, now=now)
            except ConditionFailedError:
                # SageMaker tells of one change several times: somebody else has just recorded it.
                release = self.releases.get(release.name) or release
        message = f"the record of {release.name} kept changing"
        raise ContentionError(message)

    def _record(self, release: Release, package: Package, *, now: datetime) -> str:
        seen = ApprovalChange(
            status=package.approval,
            last_modified=package.last_modified,
            actor=package.last_modified_by,
            observed_at=now,
        )
        target = names.target_of(release.target)
        seen_as: Observation | None = None

        def decide(state: TargetState | None) -> Change | None:
            nonlocal seen_as
            state = state or new_target(target)
            seen_as = observe(state, release, seen)
            return seen_as.change if seen_as else None

        def also() -> list[Item]:
            return [self.releases.replacing(release, seen_as.release)] if seen_as else []

        self.targets.change(target, decide, also=also)
        return seen_as.refusal if seen_as else ""
