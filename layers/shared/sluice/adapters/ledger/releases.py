"""Releases in the ledger: claimed once, registered once, then only their approvals change.

Where and how they lie there, `records.py` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.adapters.ledger.claims import ABSENT, CLAIMED, put_folders, put_group, unchanged
from sluice.adapters.ledger.records import (
    FOLDERS,
    GROUPS,
    Captured,
    RecordUnreadableError,
    capture_key,
    captured_of,
    folder_key,
    folder_release,
    item_of,
    name_at,
    read_as,
    record_key,
    release_of,
    system_of,
)
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain import names
from sluice.domain.release import Capture, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sluice.adapters.ledger.table import Item, Table
    from sluice.domain.inbox import Place
    from sluice.domain.noted import Noted
    from sluice.domain.release import Pair, Release, ReleaseName
    from sluice.domain.vault import VaultCopy


class GroupTakenError(Exception):
    """The group holds versions of the other system; `standing` is which."""

    def __init__(self, standing: System) -> None:
        super().__init__(f"the group holds versions of {standing}")
        self.standing = standing


class Releases:
    """`RELEASE#…` items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, name: ReleaseName) -> Release | None:
        """The release, read consistently, or None for a folder nobody claimed.

        Raises RecordUnreadableError.
        """
        item = self._table.get(*record_key(name))
        return release_of(item) if item else None

    def of_folder(self, place: Place) -> Release | None:
        """The release that the folder of `place` was claimed as, or None."""
        if place.release:
            return self.get(place.release)
        item = self._table.get(*folder_key(place.folder))
        return self.get(folder_release(item)) if item else None

    def claimed_folders(self) -> dict[str, ReleaseName]:
        """Every claimed folder that is not named after its release, with that release's name."""
        return {item["sk"]: folder_release(item) for item in self._table.query(FOLDERS)}

    def newest(self, group: str) -> int:
        """The highest number in the group; 0 for a group without releases."""
        names = map(name_at, self._records(group, newest_first=True))
        return next((name.version for name in names if name), 0)

    def of_group(
        self,
        group: str,
        *,
        newest_first: bool = False,
        unreadable: Callable[[RecordUnreadableError], object] | None = None,
    ) -> Iterator[Release]:
        """Every release of the group, lowest folder number first unless told otherwise.

        What is wrong with a record that cannot be read is handed to `unreadable`, and the others
        follow; raised where nobody asks for it.
        """
        for item in self._records(group, newest_first=newest_first):
            try:
                yield release_of(item)
            except RecordUnreadableError as error:
                if unreadable is None:
                    raise
                unreadable(error)

    def targets_of(self, group: str) -> frozenset[str]:
        """Every target that a record of the group names, whatever else is wrong with it."""
        said = ((one.get("target"), one.get("system")) for one in self._records(group))
        return frozenset(
            names.target_of(target, System(system or System.SAGEMAKER))
            for target, system in said
            if isinstance(target, str) and system in {None, *System}
        )

    def has_group(self, group: str) -> bool:
        """Whether the group has a release."""
        return bool(group) and self._table.get(GROUPS, group) is not None

    def groups(self) -> tuple[str, ...]:
        """Every group that has a release."""
        return tuple(item["sk"] for item in self._table.query(GROUPS))

    def captured(self, name: ReleaseName) -> Captured:
        """What a claimed release was captured as. Raises KeyError, and RecordUnreadableError."""
        item = self._table.get(*capture_key(name))
        if item is None:
            raise KeyError(str(name))
        return captured_of(item)

    def claim(
        self,
        release: Release,
        manifest: str,
        *,
        based_on: Sequence[Noted],
        notes: int = 0,
        beside: Sequence[Item] = (),
    ) -> None:
        """Fix what the version folder is, once, in one transaction with `beside`.

        A transaction has 100 operations, so the files of a model, of which there may be more,
        have one condition in common: that `notes` is still how many notes of them there are.
        Raises ConditionFailedError when somebody claimed it, or its number, or a newer version of
        an object in `based_on` was noted, meanwhile; GroupTakenError when its group holds versions
        of the other system.
        """
        pk, sk = capture_key(release.name)
        try:
            self._table.write(
                put_group(self._table, release),
                self._table.put(item_of(release), when=ABSENT),
                self._table.put({"pk": pk, "sk": sk, "manifest": manifest}),
                *put_folders(self._table, release, based_on),
                *unchanged(self._table, based_on, notes=notes),
                *beside,
            )
        except ConditionFailedError as error:
            if error.item and error.item["pk"] == GROUPS:
                raise GroupTakenError(system_of(error.item)) from error
            raise

    def register(
        self, release: Release, copies: Sequence[VaultCopy], *, receipts: Sequence[Item]
    ) -> None:
        """The claimed release is registered, and so is every input it was made from, at once.

        Raises ConditionFailedError when its capture is not going on any more.
        """
        held = [copy.model_dump(mode="json", exclude_none=True) for copy in copies]
        self._table.write(
            self._table.put(item_of(release), when="capture = :claimed", values=CLAIMED),
            self._table.update(
                *capture_key(release.name), "SET copies = :copies", values={":copies": held}
            ),
            *(self._table.put(receipt) for receipt in receipts),
        )

    def replacing(self, before: Release, after: Release) -> Item:
        """An operation that records a newly observed approval, if none was since `before`."""
        when, values = read_as(before)
        return self._table.put(
            item_of(after),
            when=f"size(approvals) = :approvals AND capture = :capture AND {when}",
            values={
                ":approvals": len(before.approvals),
                ":capture": before.capture.value,
                **values,
            },
        )

    def pairing(self, model: Release, pair: Pair) -> Item:
        """An operation that gives a registered model its pair, if it is as it was read."""
        return self.changing(
            model,
            "SET pair = :new",
            when="capture = :registered",
            values={
                ":new": pair.model_dump(mode="json"),
                ":registered": Capture.REGISTERED.value,
            },
        )

    def changing(self, release: Release, expression: str, *, when: str, values: Item) -> Item:
        """An operation that updates a record on that condition, if it is as it was read."""
        read, held = read_as(release)
        return self._table.update(
            *record_key(release.name),
            expression,
            when=f"{when} AND digest = :digest AND {read}",
            values={**values, **held, ":digest": release.digest},
        )

    def as_read(self, release: Release) -> Item:
        """A check that the release was given no other pair, and not retired, since it was read."""
        when, values = read_as(release)
        return self._table.check(*record_key(release.name), when=when, values=values)

    def still(self, release: Release) -> Item:
        """A check that no approval was recorded since the release was read."""
        return self._table.check(
            *record_key(release.name),
            when="size(approvals) = :approvals",
            values={":approvals": len(release.approvals)},
        )

    def _records(self, group: str, *, newest_first: bool = False) -> Iterator[Item]:
        return self._table.query(f"RELEASE#{group}", prefix="V#", newest_first=newest_first)
