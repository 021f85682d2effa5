"""A copy that takes more than one turn: whose it is and how far it has come."""

from __future__ import annotations

from sluice.domain.values import SCHEMA_VERSION, Moment, Value


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
