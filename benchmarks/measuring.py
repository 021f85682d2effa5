"""Run a function cold, in a process that sees the built layer and nothing else of ours.

Instructions are counted by cachegrind: repeats of one build agree to a few thousandths of a percent
on a loaded machine, so they can be gated. CPU time is the minimum over fresh processes, for people.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scenario import Scenario
    from benchmarks.stub_aws import StubAws

_PROCESS = Path(__file__).parent / "cold_process.py"
# Not the virtual environment's: that one would find its packages beside the layer's.
_PYTHON = str(Path(sys.executable).resolve())
_STANDARD_LIBRARY = str(Path(json.__file__).parent.parent)
_SUMMARY = re.compile(r"^summary: (?P<instructions>\d+)", re.MULTILINE)
_CACHEGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--vgdb=no", "--quiet")
_PROCESSES = 2
"""The measured one, and the copy of it that ends with init."""
_DEADLINE = 600
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",  # as on Lambda's read-only file system
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}


class MeasurementError(Exception):
    """What ran is not what was to be measured, or it did not run."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one cold process took, without valgrind."""

    init_seconds: float
    seconds: float
    peak_rss_bytes: int
    calls: tuple[str, ...]
    """AWS calls as `service:Operation`, in order."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Instructions from the start of one cold process."""

    init: int
    """To the end of init."""
    event: int
    """To the end of the first event."""
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ColdStart:
    """One scenario against a function's folder and a layer's."""

    function: Path
    layer: Path
    scenario: Scenario
    stub: StubAws

    def count(self) -> Counted:
        """Run it once under cachegrind. Raises MeasurementError."""
        with tempfile.TemporaryDirectory(prefix="cachegrind-") as folder:
            self._run([*_CACHEGRIND, f"--cachegrind-out-file={folder}/%p"], "count")
            counts = sorted(_counted(file) for file in Path(folder).iterdir())
        if len(counts) != _PROCESSES:
            raise MeasurementError(f"{self.scenario.name}: cachegrind counted {counts}")
        init, event = counts
        return Counted(init, event, tuple(self.stub.calls))

    def take(self) -> Taken:
        """Run it once, and prove that it ran as it should. Raises MeasurementError."""
        *log, last = self._run([], "time").splitlines()
        report = json.loads(last)
        self._check_answer(report["returned"], log)
        self._check_origins(report["files"])
        return Taken(
            init_seconds=report["init_seconds"],
            seconds=report["seconds"],
            peak_rss_bytes=report["peak_rss_bytes"],
            calls=tuple(self.stub.calls),
        )

    def _run(self, under: Sequence[str], mode: str) -> str:
        self.stub.play(self.scenario)
        folders = [str(self.layer), str(self.function)]
        process = [_PYTHON, "-S", "-P", str(_PROCESS), mode, *folders]
        ended = subprocess.run(  # noqa: S603 - our own interpreter and script
            [*under, *process],
            env={**_ENVIRONMENT, **self.scenario.environment, "AWS_ENDPOINT_URL": self.stub.url},
            input=json.dumps(self.scenario.event),
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE,
        )
        if ended.returncode or self.stub.unanswered:
            raise MeasurementError(
                f"{self.scenario.function}, {self.scenario.name}: exit code {ended.returncode}, "
                f"no answers to {self.stub.unanswered}\n{ended.stdout}{ended.stderr}"
            )
        return ended.stdout

    def _check_answer(self, returned: dict[str, Any], log: list[str]) -> None:
        wrong = {
            name: returned.get(name)
            for name, value in self.scenario.returns.items()
            if returned.get(name) != value
        }
        if wrong:
            raise MeasurementError(f"{self.scenario.name}: {wrong}, not {self.scenario.returns}")
        if not any(self.scenario.logs in line for line in log):
            raise MeasurementError(f"{self.scenario.name}: no {self.scenario.logs} in {log}")

    def _check_origins(self, files: list[str]) -> None:
        """Everything comes from the two folders or the standard library, boto3 from the layer."""
        ours = (f"{self.function}/", f"{self.layer}/", str(_PROCESS))
        strangers = [
            file
            for file in files
            if not file.startswith(ours)
            and (not file.startswith(_STANDARD_LIBRARY) or "site-packages" in file)
        ]
        if strangers or f"{self.layer}/boto3/__init__.py" not in files:
            raise MeasurementError(f"{self.scenario.name} loaded {strangers[:5]}")


def _counted(file: Path) -> int:
    found = _SUMMARY.search(file.read_text())
    return int(found["instructions"]) if found else 0


def valgrind_version() -> str:
    """The version of valgrind on the path, or nothing."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return ""
    said = subprocess.run([valgrind, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    return said.stdout.strip().removeprefix("valgrind-")
