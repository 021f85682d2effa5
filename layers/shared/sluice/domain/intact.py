"""Whether the vault holds what a manifest names, by the manifest alone: the ledger may be lost.

Bytes are known by the SHA-256 that the manifest has, else by a checksum that manifest and vault
have in common. Where there is neither, size and having been written once must do, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sluice.domain.vault import comparable
from sluice.domain.verifying import Check, Unread

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import CapturedObject
    from sluice.domain.vault import Standing


class Proof(StrEnum):
    """What can be asked about the bytes of an object in the vault."""

    CHECKSUM = "Checksum"
    CONTENT = "Content"
    """It must be read."""
    NONE = "None"
    """Nobody wrote down what its bytes are: too large to be read when it was captured."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the vault has under an object's key."""

    standing: Standing
    sha256: str = ""
    """Of its content, where that was read."""
    versions: int = 1
    """Of its key, where nothing else proves anything."""


def proof(source: CapturedObject, standing: Standing) -> Proof:
    """How the object's bytes can be known to be those captured."""
    if source.sha256:
        return Proof.CONTENT
    return Proof.CHECKSUM if comparable(source, standing) else Proof.NONE


def intact_checks(
    manifest: AnyManifest, held: Mapping[str, Held | Unread | None], *, place: str = "the vault"
) -> Iterator[Check]:
    """Each object that the manifest names, by name, beside what `place` has."""
    for source in sorted(manifest.objects, key=lambda one: one.name):
        what, found = f"{source.name} of {manifest.release} in {place}", held.get(source.name)
        if found is None or isinstance(found, Unread):
            yield Check(what, f"{source.size} bytes", found)
        else:
            yield _check(what, source, found)


def beside_check(manifest: AnyManifest, listed: Collection[str] | Unread) -> Check:
    """What would be loaded with a model of many files: only what was captured may lie there."""
    what = f"objects beside the files of {manifest.release}"
    if isinstance(listed, Unread):
        return Check(what, "none", listed)
    kept = {one.name for one in manifest.objects}
    return Check(what, "none", ", ".join(sorted(set(listed) - kept)) or "none")


def unproved(manifest: AnyManifest, held: Mapping[str, Held | Unread | None]) -> tuple[str, ...]:
    """The objects whose bytes nothing proves."""
    return tuple(
        source.name
        for source in sorted(manifest.objects, key=lambda one: one.name)
        if isinstance(found := held.get(source.name), Held)
        and proof(source, found.standing) is Proof.NONE
    )


def _check(what: str, source: CapturedObject, held: Held) -> Check:
    standing = held.standing
    match proof(source, standing):
        case Proof.CHECKSUM:
            both = sorted(comparable(source, standing))
            wanted = {one: source.checksums[one] for one in both}
            seen = {one: standing.checksums[one] for one in both}
        case Proof.CONTENT:
            wanted, seen = {"sha256": source.sha256}, {"sha256": held.sha256}
        case Proof.NONE:
            wanted, seen = {"times written": "1"}, {"times written": str(held.versions)}
    return Check(what, {"size": source.size, **wanted}, {"size": standing.size, **seen})
