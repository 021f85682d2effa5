"""The journal: one append-only file of changed entries, compacted now and then.

A record is one `write`, made before the reply that acknowledges it. The kernel keeps what a killed
process has written, so nothing is synced to the disk: only a machine that loses power loses
records. Values are pickled: the folder belongs to whoever runs the local cloud, as its code does.
"""

import os
import pickle
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.durability.blobs import Blobs

_TITLE = b"localcloud journal "
_FORMAT = 1
_HEADER = _TITLE + str(_FORMAT).encode() + b"\n"
_FRAME = struct.Struct(">II")  # length and CRC-32 of the record that follows
_SMALLEST_WORTH_COMPACTING = 32 * 1024 * 1024
_GROWTH = 4

Address = tuple[str, Any]


class JournalError(RuntimeError):
    """The journal cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of one store as it is now; without a value it is gone.

    `blobs` are the digests of the big values that `value` refers to.
    """

    store: str
    key: Any
    value: bytes | None
    blobs: tuple[str, ...] = ()


class Journal:
    """All entries of one state folder; for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.blobs = Blobs(folder / "blobs")
        self._path = folder / "journal"
        self._file = -1
        self._size = self._compacted = 0

    def open(self) -> list[Change]:
        """Read every entry, then be ready to append; what was torn at the end is dropped.

        Raises JournalError when a newer local cloud wrote it, or it is damaged before its end.
        """
        entries = self._entries()
        self._rewrite(entries)
        return list(entries.values())

    def append(self, changes: list[Change]) -> None:
        """Write changes as one record: after a kill all of them are back, or none."""
        self._write(self._file, _record(changes))
        if self._size > max(_SMALLEST_WORTH_COMPACTING, _GROWTH * self._compacted):
            self._rewrite(self._entries())

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def _entries(self) -> dict[Address, Change]:
        """The last state of every entry."""
        entries: dict[Address, Change] = {}
        for changes in _records(self._path):
            for change in changes:
                entries.pop((change.store, change.key), None)
                if change.value is not None:
                    entries[change.store, change.key] = change
        return entries

    def _rewrite(self, entries: dict[Address, Change]) -> None:
        """Put a journal of only these entries in place, and drop the blobs none of them needs."""
        fresh = self._path.with_suffix(".new")
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._size = 0
        self._write(file, _HEADER)
        for change in entries.values():
            self._write(file, _record([change]))
        fresh.replace(self._path)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._compacted = file, self._size
        self.blobs.keep_only({digest for change in entries.values() for digest in change.blobs})

    def _write(self, file: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
        self._size += len(data)


def _record(changes: list[Change]) -> bytes:
    rows = [(change.store, change.key, change.value, change.blobs) for change in changes]
    body = pickle.dumps(rows)
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def _records(path: Path) -> Iterator[list[Change]]:
    """The records of a file in order, up to one that was torn by the end of its writer."""
    data = path.read_bytes() if path.exists() else b""
    if not data:
        return
    offset = _end_of_header(data, path)
    while offset + _FRAME.size <= len(data):
        length, checksum = _FRAME.unpack_from(data, offset)
        begin, end = offset + _FRAME.size, offset + _FRAME.size + length
        if end > len(data):
            return
        if zlib.crc32(data[begin:end]) != checksum:
            if end == len(data):
                return
            raise JournalError(f"{path} is damaged at byte {offset}: {_REMEDY}")
        yield [Change(*row) for row in pickle.loads(data[begin:end])]  # noqa: S301 our own file
        offset = end


_REMEDY = "`python -m localcloud down` with its --state-dir forgets the state"


def _end_of_header(data: bytes, path: Path) -> int:
    end = data.find(b"\n") + 1
    number = data[len(_TITLE) : end].strip()
    if not data.startswith(_TITLE) or not number.isdigit():
        raise JournalError(f"{path} is no journal of a local cloud: {_REMEDY}")
    if int(number) > _FORMAT:
        raise JournalError(
            f"{path} was written by a newer local cloud, in format {int(number)}; this one reads "
            f"{_FORMAT}. Start the newer one, or: {_REMEDY}"
        )
    return end
