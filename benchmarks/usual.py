"""The packages of the usual way: the layer's own, as `pip install` leaves them.

All of botocore, and byte code by time stamp, fresh: the best case of a layer that nobody tended.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import MeasurementError

_ROOT = Path(__file__).resolve().parent.parent
_REQUIREMENTS = _ROOT / "layers" / "shared" / "requirements.txt"
_BUILD = _ROOT / ".build"
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")


def usual_layer() -> Path:
    """The folder with the packages; installed once for each state of the layer's requirements."""
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = _BUILD / f"usual-layer-{digest}"
    if not (folder / ".complete").exists():
        _install(folder)
        (folder / ".complete").touch()
    return folder


def _install(folder: Path) -> None:
    wheels = _BUILD / "wheels"
    offline = ["--no-index", "--find-links", str(wheels)] if (wheels / ".complete").exists() else []
    installed = subprocess.run(  # noqa: S603 - our own interpreter
        [
            sys.executable,
            *_PIP,
            *offline,
            "--require-hashes",
            "--upgrade",
            "--target",
            str(folder),
            "--requirement",
            str(_REQUIREMENTS),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        raise MeasurementError(f"no packages for the usual way\n{installed.stderr}")
