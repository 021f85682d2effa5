"""How a release lies in the ledger: the keys of its items, and the way in and out of them.

| item | key | holds |
|---|---|---|
| release | `RELEASE#group` / `V#000004` | the release |
| capture | `RELEASE#group` / `CAPTURE#000004` | its manifest, and what the vault holds of it |
| group | `GROUPS` / group | what its releases are versions of |
| folder | `FOLDERS` / `configs/9f8d111` | the release of a folder that is not named after it |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sluice.domain.release import Release, ReleaseName, System
from sluice.domain.values import Value
from sluice.domain.vault import VaultCopy

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Item

GROUPS = "GROUPS"
FOLDERS = "FOLDERS"
_KEY = {"pk", "sk"}
_MOST, _LONGEST = 3, 80
"""How many fields that are wrong are named, and how much of each value."""


class RecordUnreadableError(ValueError):
    """An item of a release is not what we wrote: somebody edited it. The message names the item."""

    def __init__(self, item: Item, wrong: str) -> None:
        super().__init__(f"{item['pk']} / {item['sk']} in the ledger cannot be read: {wrong}")
        self.release = name_at(item)
        """Whose item it is by its key; None where that names none."""


class Captured(Value):
    """What a release was captured as."""

    manifest: str
    """The canonical manifest's text."""
    copies: tuple[VaultCopy, ...] = ()
    """Empty until the release is registered."""


def count_key(folder: str) -> tuple[str, str]:
    """Where the notes of a folder's model files are counted."""
    return f"COUNT#{folder}", "NOTES"


def read_as(release: Release) -> tuple[str, Item]:
    """The condition that its pair and its retirement are those it was read with, and the values."""
    read = {"pair": release.pair, "retired": release.retired}
    held = {
        name: one.model_dump(mode="json", exclude_none=True) for name, one in read.items() if one
    }
    terms = (
        f"{name} = :{name}" if name in held else f"attribute_not_exists({name})" for name in read
    )
    return " AND ".join(terms), {f":{name}": value for name, value in held.items()}


def record_key(name: ReleaseName) -> tuple[str, str]:
    """Where the record of a release lies."""
    return f"RELEASE#{name.group}", f"V#{name.version:06d}"


def capture_key(name: ReleaseName) -> tuple[str, str]:
    """Where that lies which a release was captured as."""
    return f"RELEASE#{name.group}", f"CAPTURE#{name.version:06d}"


def folder_key(folder: str) -> tuple[str, str]:
    """Where the release of a folder is named that is not named after it."""
    return FOLDERS, folder


def folder_release(item: Item) -> ReleaseName:
    """The release that a folder's item names."""
    return ReleaseName.model_validate(item["release"])


def system_of(item: Item) -> System:
    """What a group's releases are versions of, by its item; older items do not say it."""
    return System(item.get("holds", System.SAGEMAKER))


def item_of(release: Release) -> Item:
    """A release's record, with its key."""
    pk, sk = record_key(release.name)
    return {"pk": pk, "sk": sk, **release.model_dump(mode="json", exclude_none=True)}


def release_of(item: Item) -> Release:
    """The release that a record holds. Raises RecordUnreadableError for what is no record of it."""
    release = _read(Release, item)
    if record_key(release.name) != (item["pk"], item["sk"]):
        raise RecordUnreadableError(item, f"name: it is the record of {release.name}")
    return release


def captured_of(item: Item) -> Captured:
    """What a release was captured as. Raises RecordUnreadableError."""
    return _read(Captured, item)


def name_at(item: Item) -> ReleaseName | None:
    """The release whose item it is, by its key alone; None where the key names none."""
    group, (_, _, number) = item["pk"].removeprefix("RELEASE#"), item["sk"].partition("#")
    return ReleaseName(group=group, version=int(number)) if number.isdecimal() else None


def _read[V: Value](kind: type[V], item: Item) -> V:
    try:
        return kind.model_validate({name: one for name, one in item.items() if name not in _KEY})
    except ValidationError as error:
        said = error.errors(include_url=False, include_context=False)
        raise RecordUnreadableError(item, "; ".join(map(_wrong, said[:_MOST]))) from error


def _wrong(said: Any) -> str:
    found = "" if said["type"] == "missing" else f", found {said['input']!r:.{_LONGEST}}"
    return f"{'.'.join(map(str, said['loc']))}: {said['msg']}{found}"
