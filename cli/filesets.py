"""What is pushed: the files of one version folder, and their checksums."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sluice.domain.inbox import Place

_CHUNK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """One object to be: a text that was read, or weights that stay on the disk."""

    place: Place
    data: bytes = b""
    path: Path | None = None
    """Where the weights lie; None for a text, which is `data`."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    committed: bool = False
    """Whether the commit fixes its bytes: other bytes under its name are another version's."""

    @property
    def name(self) -> str:
        """Its name in the version folder."""
        return self.place.name

    @property
    def key(self) -> str:
        """Where it goes in the bucket."""
        return f"{self.place.folder}/{self.place.name}"

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.path.stat().st_size if self.path else len(self.data)

    @property
    def algorithm(self) -> str:
        """The checksum that S3 verifies it by, over the whole object however it is uploaded."""
        return "CRC64NVME" if self.path else "SHA256"

    def checksum(self) -> str:
        """Its checksum as S3 spells it. Raises UnusableError."""
        if self.path is None:
            return base64.b64encode(hashlib.sha256(self.data).digest()).decode()
        return _crc64nvme(self.path)


@dataclass(frozen=True, slots=True)
class FileSet:
    """A version folder, the config last: what it names is there before it is read."""

    folder: str
    files: tuple[File, ...]
    warnings: tuple[str, ...] = ()


def _crc64nvme(path: Path) -> str:
    try:
        from awscrt import checksums  # noqa: PLC0415 - only weights need it
    except ImportError as error:
        message = "weights are checked by CRC64NVME: `pip install awscrt` beside boto3"
        raise UnusableError(message) from error
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            value = checksums.crc64nvme(chunk, value)
    return base64.b64encode(value.to_bytes(8, "big")).decode()
