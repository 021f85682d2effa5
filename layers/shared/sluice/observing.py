"""What the registry says of releases: approvals and rejections, observed and recorded.

SageMaker's events are best effort and may come twice; whatever hints at a change, the registry is
read again, and the ledger decides whether it is news. One thing only an event can tell: that what
is Approved now was not, for a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.adapters.ledger.targets import ContentionError
from sluice.domain import names
from sluice.domain.approval import Observation, approved_by, new_target, observe
from sluice.domain.package import release_named
from sluice.domain.release import ApprovalChange, ApprovalStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sluice.adapters.announcements import Announcements
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.table import Item
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.registry import Package, Registry
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.target import Change, TargetState

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Looked:
    """What the registry said when it was asked just now."""

    names: set[ReleaseName] = field(default_factory=set)
    """The releases it was asked about."""
    approved: dict[ReleaseName, Release] = field(default_factory=dict)
    """Those that are Approved, as the ledger records them."""
    gone: set[ReleaseName] = field(default_factory=set)
    """Those whose package was deleted."""
    unreadable: dict[ReleaseName, str] = field(default_factory=dict)
    """Those that are Approved and whose record cannot be read, and what is wrong with it."""

    def note(self, release: Release, approval: ApprovalStatus) -> None:
        """Remember one answer."""
        self.names.add(release.name)
        if approval is ApprovalStatus.APPROVED:
            self.approved[release.name] = release


@dataclass(frozen=True, slots=True)
class Seen:
    """A release whose package was looked at, and why its approval counts for nothing, if so."""

    release: Release
    refusal: str


@dataclass(frozen=True, slots=True)
class Observing:
    """The registry as `reconcile_target` looks at it."""

    targets: Targets
    releases: Releases
    registry: Registry
    announcements: Announcements

    def observe(
        self, package_arn: str, told: ApprovalChange | None, *, now: datetime
    ) -> Seen | None:
        """Record a package's approval as it is now; None if it is no release of ours, or gone.

        `told` is a status that an event tells of, which may be over by now.
        """
        package = self.registry.find(package_arn)
        release = self._release_of(package) if package else None
        if package is None or release is None:
            return None
        return Seen(release, self._observe(release, package, told, now=now))

    def look_at(self, wanted: Mapping[ReleaseName, str]) -> Looked:
        """Ask the registry for each of `wanted`: for the package that its record names.

        Where that cannot be read, for the one that `wanted` has: what serves may be rejected still.
        """
        looked = Looked(names=set(wanted))
        for name, arn in wanted.items():
            try:
                release = self.releases.get(name)
            except RecordUnreadableError as error:
                self._ask(name, arn, error, looked)
            else:
                if release and release.package_arn:
                    self._ask(name, release.package_arn, release, looked)
        return looked

    def observe_group(self, group: str, looked: Looked, *, now: datetime) -> None:
        """Record what has changed in a group since it was last looked at.

        Raises ExceptionGroup, after all else was recorded, for records that cannot be read.
        """
        broken = list[RecordUnreadableError]()
        releases = self.releases.of_group(group, unreadable=broken.append)
        self._observe_each(group, tuple(releases), looked, now=now)
        if broken:
            message = f"not every release of {group} could be looked at"
            raise ExceptionGroup(message, broken)

    def _observe_each(
        self, group: str, releases: Iterable[Release], looked: Looked, *, now: datetime
    ) -> None:
        recorded = {one.package_arn: one for one in releases if one.package_arn}
        if not recorded:
            return  # claimed, but nothing is registered yet: the group may not even exist
        # Of several approvals found at once the highest version counts as the newest.
        for summary in sorted(self.registry.packages(group), key=lambda one: one.version):
            release = recorded.get(summary.arn)
            if release is None:
                continue
            package = None
            if release.approval is not summary.approval:
                package = self.registry.find(summary.arn)
            if package:
                self._observe(release, package, None, now=now)
            looked.note(release, summary.approval)

    def _ask(
        self, name: ReleaseName, arn: str, found: Release | RecordUnreadableError, looked: Looked
    ) -> None:
        package = self.registry.find(arn)
        if package is None:
            looked.gone.add(name)
        elif isinstance(found, RecordUnreadableError):
            if package.approval is ApprovalStatus.APPROVED:
                looked.unreadable[name] = str(found)
        else:
            looked.note(found, package.approval)

    def _release_of(self, package: Package) -> Release | None:
        """The release that registered the package; the ledger decides, not the package's words."""
        name = release_named(package.group, package.metadata)
        release = self.releases.get(name) if name else None
        return release if release and release.package_arn == package.arn else None

    def _observe(
        self, release: Release, package: Package, told: ApprovalChange | None, *, now: datetime
    ) -> str:
        """Record the approval as it is now; the refusal, if its target belongs to others."""
        for _ in range(_ATTEMPTS):
            try:
                return self._record(release, package, told, now=now)
            except ConditionFailedError:
                # SageMaker tells of one change several times: somebody else has just recorded it.
                release = self.releases.get(release.name) or release
        message = f"the record of {release.name} kept changing"
        raise ContentionError(message)

    def _record(
        self, release: Release, package: Package, told: ApprovalChange | None, *, now: datetime
    ) -> str:
        seen = ApprovalChange(
            status=package.approval,
            last_modified=package.last_modified,
            actor=package.last_modified_by,
            observed_at=now,
        )
        target = names.target_of(release.target, release.system)
        seen_as: Observation | None = None

        def decide(state: TargetState | None) -> Change | None:
            nonlocal seen_as
            state = state or new_target(target)
            seen_as = observe(state, release, seen, told=told)
            return seen_as.change if seen_as else None

        def also() -> list[Item]:
            return [self.releases.replacing(release, seen_as.release)] if seen_as else []

        self.targets.change(target, decide, also=also)
        if seen_as:
            self._tell(seen_as, seen)
        return seen_as.refusal if seen_as else ""

    def _tell(self, observed: Observation, seen: ApprovalChange) -> None:
        """Tell people that somebody approved what the evaluation policy had rejected."""
        release = observed.release
        if seen.status is not ApprovalStatus.APPROVED or not release.missed:
            return
        self.announcements.announce_if_possible(
            "ReleaseApprovedBelowPolicy",
            release.model_dump(mode="json", exclude_none=True),
            message=f"{release.name} was {approved_by(release, seen)}.",
        )
