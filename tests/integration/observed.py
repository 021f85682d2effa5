"""Approval changes as the ledger observes them, where no target is concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.adapters.ledger.releases import Releases

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table
    from sluice.domain.release import ApprovalChange, Release


def record(table: Table, release: Release, seen: ApprovalChange) -> None:
    """Record a change. Raises ConditionFailedError if another was since `release` was read."""
    table.write(Releases(table).replacing(release, release.seen(seen)))
