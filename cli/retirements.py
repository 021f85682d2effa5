"""Releases in the ledger: retired and taken back, each on condition that nothing came to need them.

A release can be needed only by its own target or by that of what it moves with. Their states are
held fixed in the same transaction: whatever a rollout, an approval or a rollback writes meanwhile
makes it fail, and what was written first makes theirs see a retired release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.release import Capture
from sluice.domain.retention import targets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.table import Item, Table
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.release import Release, Retirement
    from sluice.domain.target import TargetState


class Retirements:
    """`retired` of `RELEASE#…` items."""

    def __init__(self, table: Table, releases: Releases, targets: Targets) -> None:
        self._table, self._releases, self._targets = table, releases, targets

    def record(
        self,
        bundle: Sequence[Release],
        retirement: Retirement,
        states: Mapping[str, TargetState],
    ) -> None:
        """Write the retirement to all releases of the bundle, or to none.

        `states` are those that were looked at, by target. Raises ConditionFailedError when a
        release or one of those targets was changed since.
        """
        fixed = self._fixed(bundle, states)
        self._table.write(*(self._put(one, retirement) for one in bundle), *fixed)

    def take_back(self, release: Release) -> None:
        """The release is not retired any more.

        Raises ConditionFailedError when it was changed since it was read.
        """
        self._table.write(
            self._releases.changing(release, "REMOVE retired", when=_REGISTERED, values=_CAPTURED)
        )

    def _put(self, release: Release, retirement: Retirement) -> Item:
        return self._releases.changing(
            release,
            "SET retired = :retirement",
            when=f"{_REGISTERED} AND size(approvals) = :approvals",
            values={
                **_CAPTURED,
                ":retirement": retirement.model_dump(mode="json", exclude_none=True),
                ":approvals": len(release.approvals),
            },
        )

    def _fixed(
        self, bundle: Sequence[Release], states: Mapping[str, TargetState]
    ) -> Iterator[Item]:
        for target in sorted({one for release in bundle for one in targets_of(release)}):
            yield self._targets.unchanged(target, states.get(target))


_REGISTERED = "capture = :captured"
_CAPTURED = {":captured": Capture.REGISTERED.value}
