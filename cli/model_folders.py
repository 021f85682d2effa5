"""An uncompressed model on the disk: what its config lists, beside what lies under `model/`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cli.errors import UnusableError
from cli.filesets import File
from sluice.domain.inbox import CONFIG, MODEL, MODEL_FOLDER, Place
from sluice.domain.refusal import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sluice.domain.model_files import ModelFile
    from sluice.domain.pushed import ModelConfig
    from sluice.domain.release import ReleaseName


def listing(folder: Path) -> list[dict[str, Any]]:
    """What `model_files` would say of what lies there. Raises UnusableError where nothing does."""
    found = _found(folder)
    if not found:
        message = f"{folder / MODEL_FOLDER} holds no file: there is nothing to list"
        raise UnusableError(message)
    return [
        {"file": name.removeprefix(MODEL_FOLDER), "size": (folder / name).stat().st_size}
        for name in found
    ]


def files_of(folder: Path, config: ModelConfig, release: ReleaseName) -> list[File]:
    """The files that the config lists, as far as they are there."""
    names = [name for name in config.weights if (folder / name).is_file()]
    return [File(Place(release=release, name=name), path=folder / name) for name in names]


def refusals_of(folder: Path, config: ModelConfig) -> Iterator[Refusal]:
    """Why registration would wait for ever, or refuse, what lies there as it is listed."""
    if config.model_files and (folder / MODEL).exists():
        detail = f"{CONFIG} lists model_files, and {folder / MODEL} lies there too"
        yield Refusal(reason=Reason.TWO_MODELS, detail=detail)
    for one in config.model_files or ():
        wrong = _wrong(folder / one.name, one)
        if wrong:
            yield Refusal(reason=Reason.FILE_MISMATCH, detail=f"{one.name} {wrong}")


def unlisted(folder: Path, config: ModelConfig) -> list[str]:
    """What lies there and is not pushed."""
    return sorted(set(_found(folder)) - set(config.weights)) if config.model_files else []


def _wrong(path: Path, listed: ModelFile) -> str:
    if not path.is_file():
        return f"is listed in {CONFIG} and is not there"
    size = path.stat().st_size
    if size != listed.size:
        return f"has {size} bytes, {CONFIG} lists {listed.size}"
    if listed.sha256:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != listed.sha256:
            return f"has the SHA-256 {found}, {CONFIG} lists {listed.sha256}"
    return ""


def _found(folder: Path) -> list[str]:
    paths = (folder / MODEL_FOLDER).rglob("*")
    return sorted(one.relative_to(folder).as_posix() for one in paths if one.is_file())
