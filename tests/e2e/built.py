"""The stack as `sam build` left it, and whether it is what the sources say."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_STALE = "{} is {}: run `make build ARCHITECTURE=x86_64`"


def built_template() -> Path:
    """The built template, or of the folder that `SLUICE_BUILD` names; fails unless up to date."""
    folder = Path(os.environ.get("SLUICE_BUILD", ROOT / ".aws-sam" / "build"))
    template = folder / "template.yaml"
    if not template.exists():
        pytest.fail(_STALE.format(template, "not there"))
    if template.stat().st_mtime < (ROOT / "template.yaml").stat().st_mtime:
        pytest.fail(_STALE.format(template, "older than template.yaml"))
    for source, copy in _copies(folder):
        # Contents, not times: a check-out is newer than what was built from the same sources.
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            pytest.fail(_STALE.format(copy, f"not what {source.relative_to(ROOT)} says"))
    return template


def _copies(folder: Path) -> list[tuple[Path, Path]]:
    """Each source file with where the build puts it."""
    layer = ROOT / "layers" / "shared"
    shared = [
        (source, folder / "SharedLayer" / "python" / source.relative_to(layer))
        for source in (layer / "sluice").rglob("*.py")
    ]
    functions = [
        (source, folder / _logical_id(source.parent.name) / source.name)
        for source in (ROOT / "functions").glob("*/app.py")
    ]
    return shared + functions


def _logical_id(function: str) -> str:
    """`shift_traffic` is `ShiftTrafficFunction` in the template."""
    return "".join(word.title() for word in function.split("_")) + "Function"
