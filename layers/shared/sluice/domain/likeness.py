"""Whether two captured objects have the same bytes, as far as what was recorded of them tells."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sluice.domain.vault import FULL_OBJECT

if TYPE_CHECKING:
    from collections.abc import Mapping


class Likeness(StrEnum):
    """What is known of the bytes of two objects."""

    SAME = "Same"
    CHANGED = "Changed"
    ADDED = "Added"
    REMOVED = "Removed"
    UNKNOWN = "Unknown"
    """Of one size, and no checksum in common: they may be the same."""


def likeness(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Likeness:
    """By SHA-256 where both have one, else by S3's checksums, else by ETag if that is the same.

    A checksum of parts depends on how an upload was cut, and an ETag on how it was encrypted: equal
    ones mean equal bytes, others mean nothing.
    """
    if before is None:
        return Likeness.ADDED
    if after is None:
        return Likeness.REMOVED
    if before.get("size") != after.get("size"):
        return Likeness.CHANGED
    if before.get("sha256") and after.get("sha256"):
        return _of(before["sha256"] == after["sha256"])
    return _by_checksums(before, after)


def _by_checksums(before: Mapping[str, Any], after: Mapping[str, Any]) -> Likeness:
    one, two = before.get("checksums"), after.get("checksums")
    kind = before.get("checksum_type")
    if isinstance(one, dict) and isinstance(two, dict) and kind == after.get("checksum_type"):
        common = [name for name in one if name in two]
        same = all(one[name] == two[name] for name in common)
        if common and (same or kind == FULL_OBJECT):
            return _of(same)
    etag = before.get("etag")
    return Likeness.SAME if etag and etag == after.get("etag") else Likeness.UNKNOWN


def _of(same: bool) -> Likeness:
    return Likeness.SAME if same else Likeness.CHANGED
