"""Releases in the ledger: claimed once, registered once, then only their approvals change.

| item | key | holds |
|---|---|---|
| release | `RELEASE#group` / `V#000004` | the release |
| capture | `RELEASE#group` / `CAPTURE#000004` | its manifest, and what the vault holds of it |
| group | `GROUPS` / group | nothing but its name |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.inbox import Noted, folder_path
from sluice.domain.release import Capture, Release, ReleaseName
from sluice.domain.vault import VaultCopy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sluice.adapters.ledger.table import Item, Table
    from sluice.domain.release import ApprovalChange

_GROUPS = "GROUPS"
_ABSENT = "attribute_not_exists(pk)"


@dataclass(frozen=True, slots=True)
class Captured:
    """What a release was captured as."""

    manifest: str
    """The canonical manifest's text."""
    copies: tuple[VaultCopy, ...]
    """Empty until the release is registered."""


class Releases:
    """`RELEASE#…` items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, name: ReleaseName) -> Release | None:
        """The release, read consistently, or None for a folder nobody claimed."""
        item = self._table.get(*_key(name))
        return _release(item) if item else None

    def of_group(self, group: str, *, newest_first: bool = False) -> Iterator[Release]:
        """Every release of the group, lowest folder number first unless told otherwise."""
        items = self._table.query(f"RELEASE#{group}", prefix="V#", newest_first=newest_first)
        return map(_release, items)

    def groups(self) -> tuple[str, ...]:
        """Every group that has a release."""
        return tuple(item["sk"] for item in self._table.query(_GROUPS))

    def captured(self, name: ReleaseName) -> Captured:
        """What a claimed release was captured as."""
        item = self._table.get(*_capture_key(name)) or {}
        copies = tuple(VaultCopy.model_validate(copy) for copy in item.get("copies", []))
        return Captured(manifest=item["manifest"], copies=copies)

    def claim(self, release: Release, manifest: str, *, based_on: Sequence[Noted]) -> None:
        """Fix what the version folder is, once.

        Raises ConditionFailedError when somebody claimed it, or a newer version of an object in
        `based_on` was noted, meanwhile.
        """
        pk, sk = _capture_key(release.name)
        self._table.write(
            self._table.put(_item(release), when=_ABSENT),
            self._table.put({"pk": pk, "sk": sk, "manifest": manifest}),
            self._table.put({"pk": _GROUPS, "sk": release.name.group}),
            *(self._unchanged(noted) for noted in based_on),
        )

    def register(
        self, release: Release, copies: Sequence[VaultCopy], *, receipts: Sequence[Item]
    ) -> None:
        """The claimed release is registered, and so is every input it was made from, at once.

        Raises ConditionFailedError when its capture is not going on any more.
        """
        held = [copy.model_dump(mode="json", exclude_none=True) for copy in copies]
        self._table.write(
            self._table.put(_item(release), when="capture = :claimed", values=_CLAIMED),
            self._table.update(
                *_capture_key(release.name), "SET copies = :copies", values={":copies": held}
            ),
            *(self._table.put(receipt) for receipt in receipts),
        )

    def replacing(self, before: Release, after: Release) -> Item:
        """An operation that records a newly observed approval, if none was since `before`."""
        return self._table.put(
            _item(after),
            when="size(approvals) = :approvals AND capture = :capture",
            values={":approvals": len(before.approvals), ":capture": before.capture.value},
        )

    def record(self, release: Release, seen: ApprovalChange) -> None:
        """Record an approval change that concerns no target.

        Raises ConditionFailedError when another was recorded since `release` was read.
        """
        self._table.write(self.replacing(release, release.seen(seen)))

    def _unchanged(self, noted: Noted) -> Item:
        return self._table.check(
            f"UPLOAD#{folder_path(noted.place.release)}",
            noted.place.name,
            when="version_id = :version",
            values={":version": noted.upload.version_id},
        )


_CLAIMED = {":claimed": Capture.CLAIMED.value}


def unclaimed(table: Table, name: ReleaseName) -> Item:
    """A check that nobody claimed the version folder."""
    return table.check(*_key(name), when=_ABSENT)


def claimed(table: Table, name: ReleaseName) -> Item:
    """A check that the version folder is claimed and its capture goes on."""
    return table.check(*_key(name), when="capture = :claimed", values=_CLAIMED)


def _key(name: ReleaseName) -> tuple[str, str]:
    return f"RELEASE#{name.group}", f"V#{name.version:06d}"


def _capture_key(name: ReleaseName) -> tuple[str, str]:
    return f"RELEASE#{name.group}", f"CAPTURE#{name.version:06d}"


def _item(release: Release) -> Item:
    pk, sk = _key(release.name)
    return {"pk": pk, "sk": sk, **release.model_dump(mode="json", exclude_none=True)}


def _release(item: Item) -> Release:
    return Release.model_validate(
        {name: value for name, value in item.items() if name not in {"pk", "sk"}}
    )
