"""Uncompressed models as engineers push them, for tests of what becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sluice.domain.inbox import CONFIG, EVALUATION
from tests.builders import METADATA, a_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.inbox import Inbox

FILES = {
    "model/code/inference.py": b"def model_fn(folder): ...",
    "model/empty": b"",
    "model/weights-1.bin": b"w" * 900,
    "model/weights-2.bin": b"x" * 400,
}


def listed(files: Mapping[str, bytes] = FILES, **sizes: int) -> list[dict[str, Any]]:
    """What `model_files` says of files; `sizes` of some of them are other ones."""
    names = {name: name.removeprefix("model/") for name in files}
    return [
        {"file": short, "size": sizes.get(short, len(files[name]))} for name, short in names.items()
    ]


def push_config(
    inbox: Inbox, model_files: list[dict[str, Any]] | None, *, folder: str = "churn-v4", **more: Any
) -> dict[str, Any]:
    """Push a `config.json` that lists the files, with the labels; its event."""
    metadata = more.pop("metadata", METADATA)
    config = a_config(**({"model_files": model_files} if model_files else {}), **more)
    data = json.dumps(config).encode()
    return inbox.put(f"models/{folder}/{CONFIG}", data, Metadata=metadata)


def push_unpacked(
    inbox: Inbox, files: Mapping[str, bytes] = FILES, *, folder: str = "churn-v4", **config: Any
) -> list[dict[str, Any]]:
    """Push a complete folder; its events, those of the files first."""
    return [
        *(inbox.push(name, body, folder=folder) for name, body in files.items()),
        push_config(inbox, listed(files), folder=folder, **config),
        inbox.push(EVALUATION, folder=folder),
    ]
