"""What a claim of a version folder rests on, and what it writes beside the release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.adapters.ledger.records import GROUPS, count_key, folder_key, record_key
from sluice.domain.release import Capture, System

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sluice.adapters.ledger.table import Item, Table
    from sluice.domain.inbox import Place
    from sluice.domain.noted import Noted
    from sluice.domain.release import Release, ReleaseName

ABSENT = "attribute_not_exists(pk)"
CLAIMED = {":claimed": Capture.CLAIMED.value}


def unclaimed(table: Table, place: Place) -> Item:
    """A check that nobody claimed the version folder."""
    key = record_key(place.release) if place.release else folder_key(place.folder)
    return table.check(*key, when=ABSENT)


def claimed(table: Table, name: ReleaseName) -> Item:
    """A check that the release is claimed and its capture goes on."""
    return table.check(*record_key(name), when="capture = :claimed", values=CLAIMED)


def put_group(table: Table, release: Release) -> Item:
    """The group's item; groups that were made before there was a second system name none."""
    item = {"pk": GROUPS, "sk": release.name.group}
    if release.system is System.SAGEMAKER:
        return table.put(item, when="attribute_not_exists(holds)")
    return table.put(
        {**item, "holds": release.system.value},
        when="attribute_not_exists(pk) OR holds = :system",
        values={":system": release.system.value},
    )


def put_folders(table: Table, release: Release, based_on: Sequence[Noted]) -> Iterator[Item]:
    """What leads from the folder to its release, where its name does not."""
    for folder in {noted.place.folder for noted in based_on if not noted.place.release}:
        pk, sk = folder_key(folder)
        item = {"pk": pk, "sk": sk, "release": release.name.model_dump(mode="json")}
        yield table.put(item, when=ABSENT)


def unchanged(table: Table, based_on: Sequence[Noted], *, notes: int) -> Iterator[Item]:
    """Checks that no newer version of these objects was noted, nor any file of the model."""
    for noted in based_on:
        if not noted.place.in_model:
            yield table.check(
                f"UPLOAD#{noted.place.folder}",
                noted.place.name,
                when="version_id = :version",
                values={":version": noted.upload.version_id},
            )
    for folder in {noted.place.folder for noted in based_on if noted.place.in_model}:
        yield table.check(*count_key(folder), when="notes = :notes", values={":notes": notes})
