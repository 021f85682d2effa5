"""What the ledger records of a release where no target is concerned: approvals, a retirement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.retirements import Retirements
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.domain.release import Retirement
from sluice.domain.retention import targets_of
from tests.builders import AT

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table
    from sluice.domain.release import ApprovalChange, Release


def record(table: Table, release: Release, seen: ApprovalChange) -> None:
    """Record a change. Raises ConditionFailedError if another was since `release` was read."""
    table.write(Releases(table).replacing(release, release.seen(seen)))


def retired(table: Table, release: Release) -> None:
    """Retire it. Raises ConditionFailedError if it was changed since `release` was read."""
    releases, targets = Releases(table), Targets(table)
    read = ((target, targets.read(target)) for target in targets_of(release))
    states = {target: state for target, state in read if state}
    said = Retirement(at=AT, by="arn:aws:iam::123456789012:role/keeper")
    Retirements(table, releases, targets).record((release,), said, states)
