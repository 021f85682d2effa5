"""How a copy is cut into parts, within S3's limits.

At most 10,000 parts of 5 MiB to 5 GiB each, the last one any size (Amazon S3 user guide, "Amazon S3
multipart upload limits"). The cut follows from the size alone, so that whoever takes up a copy that
somebody else began cuts it alike.
"""

from __future__ import annotations

from typing import NamedTuple

_MIB = 1024 * 1024
SMALLEST_PART = 64 * _MIB
LARGEST_PART = 5 * 1024 * _MIB
MOST_PARTS = 10_000
_WANTED_PARTS = 2_000
"""Enough to copy many at once and to lose little with one; few enough to be listed in two calls."""


class Part(NamedTuple):
    """One part of a copy."""

    number: int
    extent: str
    """Its byte range; empty where the part is the whole object."""


def cut(size: int) -> tuple[Part, ...]:
    """The parts of a copy of `size` bytes; one part has no range: it is everything."""
    if size <= SMALLEST_PART:
        return (Part(1, ""),)
    length = min(max(SMALLEST_PART, -(-size // _WANTED_PARTS)), LARGEST_PART)
    return tuple(
        Part(number, f"bytes={start}-{min(start + length, size) - 1}")
        for number, start in enumerate(range(0, size, length), start=1)
    )
