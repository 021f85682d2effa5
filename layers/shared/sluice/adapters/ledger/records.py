"""How a release lies in the ledger: the keys of its items, and the way in and out of them.

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

from sluice.domain.release import Release, ReleaseName, System

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Item
    from sluice.domain.vault import VaultCopy

GROUPS = "GROUPS"
FOLDERS = "FOLDERS"


@dataclass(frozen=True, slots=True)
class Captured:
    """What a release was captured as."""

    manifest: str
    """The canonical manifest's text."""
    copies: tuple[VaultCopy, ...]
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
    """The release that a record holds. Raises ValueError for what is no release's."""
    return Release.model_validate(
        {name: value for name, value in item.items() if name not in {"pk", "sk"}}
    )
