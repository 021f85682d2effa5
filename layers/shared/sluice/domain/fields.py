"""Types of the fields that engineers write, shared by the parts of a pushed file."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_OURS = frozenset({"manifest.json", "manifest.dsse.json"})
"""What the vault keeps beside the files: the manifest, and its signature."""
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


def is_file_name(path: str) -> bool:
    """Whether a config could name a file so."""
    return _PATH.fullmatch(path) is not None


def _relative(path: str) -> str:
    if not is_file_name(path):
        raise ValueError("must be a path inside the version folder")
    if path in _OURS:
        raise ValueError(f"must not be {path}, under which the vault keeps what is ours")
    return path


FileName = Annotated[str, Field(max_length=200), AfterValidator(_relative)]
MimeType = Annotated[str, Field(max_length=256, pattern=r"^[\w.+-]+/[\w.+*-]+$")]
