"""The stack as `sam build` left it, and whether it is what the sources say."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
POLICY = "evaluation_policy.json"
"""Of tests: of groups called `gated-…` alone."""
JUDGING = "RegisterPackageFunction"
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


def deployable(template: Path) -> Path:
    """The same built template, its functions with what tests deploy in place of what is shipped.

    In a folder beside the build, so that whatever it names relative to itself is found.
    """
    build = template.parent
    folder = build.with_name(f"{build.name}-e2e")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for one in build.iterdir():
        if one.name == JUDGING:
            shutil.copytree(one, folder / one.name)
        elif one.is_dir():
            (folder / one.name).symlink_to(one.resolve(), target_is_directory=True)
        else:
            shutil.copy(one, folder)
    shutil.copy(Path(__file__).with_name(POLICY), folder / JUDGING)
    return folder / template.name


def _copies(folder: Path) -> list[tuple[Path, Path]]:
    """Each source file with where the build puts it."""
    layer = ROOT / "layers" / "shared"
    shared = [
        (source, folder / "SharedLayer" / "python" / source.relative_to(layer))
        for source in (layer / "sluice").rglob("*.py")
    ]
    functions = [
        (source, folder / _logical_id(source.parent.name) / source.name)
        for source in (ROOT / "functions").glob("*/*")
        if source.is_file()
    ]
    return shared + functions


def _logical_id(function: str) -> str:
    """`shift_traffic` is `ShiftTrafficFunction` in the template."""
    return "".join(word.title() for word in function.split("_")) + "Function"
