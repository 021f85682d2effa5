"""What `sam build` left: how large it is, and whether its byte code is what Lambda will run."""

from __future__ import annotations

import importlib.util
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

_UNCHECKED_HASH = (0b01).to_bytes(4, "little")  # PEP 552: by hash, and the source is not looked at


@dataclass(frozen=True, slots=True)
class Size:
    """A folder that becomes one zip file."""

    files: int
    bytes: int
    zipped_bytes: int
    sources: int
    """`.py` files."""
    compiled: int
    """Those whose byte code is used as it is, and was made from them."""


def size_of(folder: Path) -> Size:
    """The folder as it is, and as `sam package` zips it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sources = [path for path in files if path.suffix == ".py"]
    return Size(
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
        zipped_bytes=_zipped(folder, files),
        sources=len(sources),
        compiled=sum(is_compiled(source) for source in sources),
    )


def is_compiled(source: Path) -> bool:
    """Whether the source has byte code of this Python's, by unchecked hash, that matches it.

    Byte code by time stamp goes stale when the source is zipped, and Lambda's file system is
    read-only: a stale one is compiled again on every cold start. Nobody checks an unchecked one,
    so it is checked here.
    """
    cached = Path(importlib.util.cache_from_source(str(source)))
    if not cached.exists():
        return False
    digest = importlib.util.source_hash(source.read_bytes())
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + digest
    return cached.read_bytes()[: len(header)] == header


def _zipped(folder: Path, files: list[Path]) -> int:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(folder))
        return file.tell()
