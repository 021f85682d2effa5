"""Code and layers on disk: each archive is unpacked once, however many environments use it.

Python writes its bytecode beside the sources, so that only the first cold start compiles.
"""

import hashlib
import io
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

_lock = threading.Lock()


def unpacked(archive: bytes) -> Path:
    """The folder with the archive's files; the same bytes give the same folder."""
    folder = _root() / hashlib.sha256(archive).hexdigest()[:32]
    with _lock:
        if not folder.exists():
            _unpack(archive, folder)
    return folder


def _root() -> Path:
    return Path(tempfile.gettempdir(), "code")


def _unpack(archive: bytes, folder: Path) -> None:
    """Unpack beside the folder and rename, so that a folder that exists is whole."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        for entry in content.infolist():
            path = content.extract(entry, partial)
            mode = entry.external_attr >> 16
            if mode and not entry.is_dir():
                os.chmod(path, mode & 0o777)  # noqa: PTH101
    partial.mkdir(parents=True, exist_ok=True)
    partial.rename(folder)


def search_path(code: Path, layers: list[Path]) -> list[str]:
    """What Lambda puts on Python's search path: the task root, then the layers, the last one first.

    AWS unpacks all layers into /opt in order, so that a later one wins.
    """
    folders = [code]
    for layer in reversed(layers):
        folders += [layer / "python/lib/python3.13/site-packages", layer / "python"]
    return [str(folder) for folder in folders if folder.is_dir()]
