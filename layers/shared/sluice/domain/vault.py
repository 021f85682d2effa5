"""What the vault holds of a release, and how surely that is what was pushed."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from sluice.domain.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.inbox import Facts
    from sluice.domain.manifest import CapturedObject

FULL_OBJECT = "FULL_OBJECT"
STREAM_LIMIT = 256 * 1024 * 1024
"""The largest object that is read, to be hashed and to be compared with its copy."""


class Comparison(StrEnum):
    """How source and copy were compared."""

    CHECKSUM = "Checksum"
    """Both sides carry a checksum of the whole object, of one algorithm."""
    STREAM = "Stream"
    """Both sides were read and hashed."""
    PARTS = "Parts"
    """By S3's own checks of each part alone: too large to read, and no checksum in common."""


class VaultCopy(Value):
    """An object in the vault."""

    name: str
    key: str
    version_id: str
    size: int
    etag: str
    checksums: dict[str, str] = Field(default_factory=dict)
    checksum_type: str = ""
    sha256: str = ""
    """Where the content was read."""
    compared: Comparison


class Standing(Value):
    """What stands under a key of the vault now."""

    version_id: str
    size: int
    etag: str
    checksums: dict[str, str] = Field(default_factory=dict)
    checksum_type: str = ""
    sha256: str = ""
    """Where the content was read."""


def sha256_of(checksums: Mapping[str, str], checksum_type: str) -> str:
    """The SHA-256 that S3 has of a whole object already, in hexadecimal digits; or nothing."""
    known = checksums.get("SHA256", "") if checksum_type == FULL_OBJECT else ""
    return base64.b64decode(known).hex()


def comparison(source: CapturedObject, copy: Facts) -> Comparison:
    """The strongest comparison that source and copy allow at a bearable cost."""
    if comparable(source, copy):
        return Comparison.CHECKSUM
    return Comparison.STREAM if source.size <= STREAM_LIMIT else Comparison.PARTS


def same_checksums(source: CapturedObject, copy: Facts) -> bool:
    """Whether every checksum that source and copy have in common agrees."""
    return all(source.checksums[one] == copy.checksums[one] for one in comparable(source, copy))


def comparable(source: CapturedObject, copy: Facts | Standing) -> set[str]:
    """Algorithms in common. A composite checksum depends on how an upload was cut into parts."""
    if source.checksum_type != FULL_OBJECT or copy.checksum_type != FULL_OBJECT:
        return set()
    return source.checksums.keys() & copy.checksums.keys()
