"""The folder of a blueprint: template, manifest, and what to do with them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from cli.errors import RefusedError, UnusableError
from sluice.domain.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE, README = "template.json", "README.txt"


def spelled(template: Mapping[str, Any]) -> str:
    """A template as it is written and deployed: the same for the same release."""
    return json.dumps(template, indent=1, ensure_ascii=False) + "\n"


def write(folder: str, files: Mapping[str, bytes]) -> str:
    """Write the files as one new folder, all or nothing; what is said of it.

    Raises RefusedError where something else stands there, UnusableError where nothing can.
    """
    place = Path(folder)
    try:
        if place.exists():
            return _standing(place, files)
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        for name, content in files.items():
            (made / name).write_bytes(content)
        made.chmod(0o755)
        made.rename(place)
    except OSError as error:
        message = f"{folder} cannot be written: {error}"
        raise UnusableError(message) from error
    return f"{folder}: {', '.join(sorted(files))}"


def _standing(place: Path, files: Mapping[str, bytes]) -> str:
    """A folder that is there must be the same one."""
    kept = {one.name: one for one in place.iterdir()} if place.is_dir() else {}
    others = sorted(
        name
        for name in {*kept, *files}
        if name not in kept or name not in files or kept[name].read_bytes() != files[name]
    )
    if others:
        raise RefusedError(f"{place} is there, with other {', '.join(others)}: use --output")
    return f"{place}: is there already, the same"


def contents(template: str, manifest: str, readme: str, **more: bytes) -> dict[str, bytes]:
    """The files of a blueprint by name."""
    texts = {TEMPLATE: template, MANIFEST: manifest, README: readme}
    return {**{name: text.encode() for name, text in texts.items()}, **more}
