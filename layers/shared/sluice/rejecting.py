"""A bad release's package is set to Rejected, until the registry is seen to say so.

Whatever goes wrong here moves no traffic: the mark alone keeps a bad release from being deployed or
fallen back to, and the schedule tries again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.approval import confirm
from sluice.domain.release import ApprovalChange, ApprovalStatus, named
from sluice.domain.target import Change
from sluice.observability import logger, metrics

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.table import Item
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.registry import Registry
    from sluice.domain.release import Release
    from sluice.domain.target import TargetState


@dataclass(frozen=True, slots=True)
class Rejecting:
    """What a mark on a release means in the registry."""

    targets: Targets
    releases: Releases
    registry: Registry

    def reject_bad(self, state: TargetState, *, now: datetime) -> None:
        """Reject every bad release of the target whose package was not seen to be Rejected yet."""
        for name, mark in state.bad.items():
            if mark.rejected_at is not None:
                continue
            try:
                self._reject(state.target, name, mark.reason, now=now)
            except (BotoCoreError, ClientError, RecordUnreadableError) as error:
                logger.warning("bad release not rejected yet", release=name, error=str(error))
                metrics.add_metric(name="BadReleaseNotRejected", unit="Count", value=1)

    def _reject(self, target: str, name: str, reason: str, *, now: datetime) -> None:
        release = self.releases.get(named(name))
        if release is None or not release.package_arn:
            return
        self.registry.reject(release.package_arn, reason)
        package = self.registry.find(release.package_arn)
        if package is None:  # deleted: nobody can approve it any more
            gone = ApprovalChange(
                status=ApprovalStatus.REJECTED, last_modified=now, actor="", observed_at=now
            )
            self.targets.change(
                target, lambda state: Change(confirm(state, release, gone)) if state else None
            )
        elif package.approval is ApprovalStatus.REJECTED:
            seen = ApprovalChange(
                status=package.approval,
                last_modified=package.last_modified,
                actor=package.last_modified_by,
                observed_at=now,
            )
            self._confirm(target, release, seen)

    def _confirm(self, target: str, release: Release, seen: ApprovalChange) -> None:
        """Remember that it is Rejected, and that we know: a person's later approval is news."""

        def decide(state: TargetState | None) -> Change | None:
            return Change(confirm(state, release, seen, by=seen.actor)) if state else None

        def also() -> list[Item]:
            if release.approval is seen.status:
                return []
            return [self.releases.replacing(release, release.seen(seen))]

        try:
            self.targets.change(target, decide, also=also)
        except ConditionFailedError:
            return  # reconcile observed it first, and remembers it too
