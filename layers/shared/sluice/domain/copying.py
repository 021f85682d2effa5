"""A copy that takes more than one turn: whose it is and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.values import SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_FEW = 10
"""Of a unit; less is told in the next smaller one."""


class Copy(Value):
    """The ledger's record of a copy in many parts: `COPY#vault key / UPLOAD`."""

    schema_version: int = SCHEMA_VERSION
    upload_id: str
    """S3's id of the multipart upload; its finished parts are listed by S3."""
    by: str
    """The input whose messages carry the copy on; others leave it to them."""
    parts: int
    finished: int = 0
    """Parts that S3 held when the last turn ended."""
    at: Moment
    """When it was begun, by the event."""


def progress(name: str, copy: Copy) -> str:
    """How far the copy of an object has come, in words."""
    return f"copying {name}: {copy.finished} of {copy.parts} parts"


def progress_of(sizes: Mapping[str, int], standing: Collection[str]) -> str:
    """How far the copies of a folder's files have come: `sizes` by name, `standing` are done."""
    total, done = sum(sizes.values()), sum(sizes[name] for name in standing)
    unit, name = next((one for one in _UNITS if total >= _FEW * one[0]), (1, "bytes"))
    amount = f"{done // unit} of {total // unit} {name}"
    return f"copied {len(standing)} of {len(sizes)} files, {amount}"
