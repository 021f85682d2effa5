"""Releases in the ledger: claimed once, registered once, then only their approvals change.

| item | key | holds |
|---|---|---|
| release | `RELEASE#group` / `V#000004` | the release |
| capture | `RELEASE#group` / `CAPTURE#000004` | its manifest, and what the vault holds of it |
| group | `GROUPS` / group | what its releases are versions of |
| folder | `FOLDERS` / `configs/9f8d111` | the release of a folder that is not named after it |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.release import Capture, Release, ReleaseName, System
from sluice.domain.vault import VaultCopy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sluice.adapters.ledger.table import Item, Table
    from sluice.domain.inbox import Place
    from sluice.domain.noted import Noted
    from sluice.domain.release import Pair

_GROUPS = "GROUPS"
_FOLDERS = "FOLDERS"
_ABSENT = "attribute_not_exists(pk)"


class GroupTakenError(Exception):
    """The group holds versions of the other system; `standing` is which."""

    def __init__(self, standing: System) -> None:
        super().__init__(f"the group holds versions of {standing}")
        self.standing = standing


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

    def of_folder(self, place: Place) -> Release | None:
        """The release that the folder of `place` was claimed as, or None."""
        if place.release:
            return self.get(place.release)
        item = self._table.get(*_folder_key(place.folder))
        return self.get(_folder_release(item)) if item else None

    def claimed_folders(self) -> dict[str, ReleaseName]:
        """Every claimed folder that is not named after its release, with that release's name."""
        return {item["sk"]: _folder_release(item) for item in self._table.query(_FOLDERS)}

    def newest(self, group: str) -> int:
        """The highest number in the group; 0 for a group without releases."""
        newest = next(self.of_group(group, newest_first=True), None)
        return newest.name.version if newest else 0

    def of_group(self, group: str, *, newest_first: bool = False) -> Iterator[Release]:
        """Every release of the group, lowest folder number first unless told otherwise."""
        items = self._table.query(f"RELEASE#{group}", prefix="V#", newest_first=newest_first)
        return map(_release, items)

    def has_group(self, group: str) -> bool:
        """Whether the group has a release."""
        return bool(group) and self._table.get(_GROUPS, group) is not None

    def groups(self) -> tuple[str, ...]:
        """Every group that has a release."""
        return tuple(item["sk"] for item in self._table.query(_GROUPS))

    def captured(self, name: ReleaseName) -> Captured:
        """What a claimed release was captured as."""
        item = self._table.get(*_capture_key(name)) or {}
        copies = tuple(VaultCopy.model_validate(copy) for copy in item.get("copies", []))
        return Captured(manifest=item["manifest"], copies=copies)

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
        pk, sk = _capture_key(release.name)
        try:
            self._table.write(
                self._put_group(release),
                self._table.put(_item(release), when=_ABSENT),
                self._table.put({"pk": pk, "sk": sk, "manifest": manifest}),
                *self._put_folder(release, based_on),
                *(self._unchanged(noted) for noted in based_on if not noted.place.in_model),
                *self._uncounted(based_on, notes),
                *beside,
            )
        except ConditionFailedError as error:
            if error.item and error.item["pk"] == _GROUPS:
                raise GroupTakenError(_system(error.item)) from error
            raise

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
        when, values = _as_read(before)
        return self._table.put(
            _item(after),
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
        read, held = _as_read(release)
        return self._table.update(
            *_key(release.name),
            expression,
            when=f"{when} AND digest = :digest AND {read}",
            values={**values, **held, ":digest": release.digest},
        )

    def as_read(self, release: Release) -> Item:
        """A check that the release was given no other pair, and not retired, since it was read."""
        when, values = _as_read(release)
        return self._table.check(*_key(release.name), when=when, values=values)

    def still(self, release: Release) -> Item:
        """A check that no approval was recorded since the release was read."""
        return self._table.check(
            *_key(release.name),
            when="size(approvals) = :approvals",
            values={":approvals": len(release.approvals)},
        )

    def _put_group(self, release: Release) -> Item:
        """The group's item; groups that were made before there was a second system name none."""
        item = {"pk": _GROUPS, "sk": release.name.group}
        if release.system is System.SAGEMAKER:
            return self._table.put(item, when="attribute_not_exists(holds)")
        return self._table.put(
            {**item, "holds": release.system.value},
            when="attribute_not_exists(pk) OR holds = :system",
            values={":system": release.system.value},
        )

    def _put_folder(self, release: Release, based_on: Sequence[Noted]) -> Iterator[Item]:
        """What leads from the folder to its release, where its name does not."""
        for folder in {noted.place.folder for noted in based_on if not noted.place.release}:
            pk, sk = _folder_key(folder)
            item = {"pk": pk, "sk": sk, "release": release.name.model_dump(mode="json")}
            yield self._table.put(item, when=_ABSENT)

    def _uncounted(self, based_on: Sequence[Noted], notes: int) -> Iterator[Item]:
        """A check that no file of the model was noted since they were counted."""
        for folder in {noted.place.folder for noted in based_on if noted.place.in_model}:
            key = count_key(folder)
            yield self._table.check(*key, when="notes = :notes", values={":notes": notes})

    def _unchanged(self, noted: Noted) -> Item:
        return self._table.check(
            f"UPLOAD#{noted.place.folder}",
            noted.place.name,
            when="version_id = :version",
            values={":version": noted.upload.version_id},
        )


_CLAIMED = {":claimed": Capture.CLAIMED.value}


def unclaimed(table: Table, place: Place) -> Item:
    """A check that nobody claimed the version folder."""
    key = _key(place.release) if place.release else _folder_key(place.folder)
    return table.check(*key, when=_ABSENT)


def claimed(table: Table, name: ReleaseName) -> Item:
    """A check that the release is claimed and its capture goes on."""
    return table.check(*_key(name), when="capture = :claimed", values=_CLAIMED)


def count_key(folder: str) -> tuple[str, str]:
    """Where the notes of a folder's model files are counted."""
    return f"COUNT#{folder}", "NOTES"


def _as_read(release: Release) -> tuple[str, Item]:
    """The condition that its pair and its retirement are those it was read with, and the values."""
    read = {"pair": release.pair, "retired": release.retired}
    held = {
        name: one.model_dump(mode="json", exclude_none=True) for name, one in read.items() if one
    }
    terms = (
        f"{name} = :{name}" if name in held else f"attribute_not_exists({name})" for name in read
    )
    return " AND ".join(terms), {f":{name}": value for name, value in held.items()}


def _key(name: ReleaseName) -> tuple[str, str]:
    return f"RELEASE#{name.group}", f"V#{name.version:06d}"


def _capture_key(name: ReleaseName) -> tuple[str, str]:
    return f"RELEASE#{name.group}", f"CAPTURE#{name.version:06d}"


def _folder_key(folder: str) -> tuple[str, str]:
    return _FOLDERS, folder


def _folder_release(item: Item) -> ReleaseName:
    return ReleaseName.model_validate(item["release"])


def _system(item: Item) -> System:
    return System(item.get("holds", System.SAGEMAKER))


def _item(release: Release) -> Item:
    pk, sk = _key(release.name)
    return {"pk": pk, "sk": sk, **release.model_dump(mode="json", exclude_none=True)}


def _release(item: Item) -> Release:
    return Release.model_validate(
        {name: value for name, value in item.items() if name not in {"pk", "sk"}}
    )
