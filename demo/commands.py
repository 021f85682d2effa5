"""External commands, run as the user would type them: echoed, their output in the log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.narrator import Telling

_TAIL_LINES = 15
_OURS = str(Path(__file__).resolve().parent.parent / "bin")
_END_SECONDS = 3.0


class CommandError(RuntimeError):
    """A command ended with a code other than 0."""

    def __init__(self, message: str, *, code: int, said: str) -> None:
        super().__init__(message)
        self.code = code
        self.said = said


class Shell:
    """Runs commands of this environment in one folder, with the variables the user exports."""

    def __init__(self, narrator: Telling, folder: Path) -> None:
        self._narrator = narrator
        self._folder = folder
        self._environment = dict(os.environ)
        self._environment["PATH"] = os.pathsep.join(
            [str(Path(sys.executable).parent), _OURS, self._environment.get("PATH", os.defpath)]
        )
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def export(self, variables: Mapping[str, str], *, quietly: bool = False) -> None:
        """Set variables for the commands that follow; `quietly` where they were shown before."""
        if not quietly:
            self._narrator.command(
                ["export", *(f"{name}={value}" for name, value in variables.items())]
            )
        self._environment.update(variables)
        self._environment.pop("AWS_PROFILE", None)

    def run(self, *argv: str) -> str:
        """Run a command and return its standard output.

        Raises CommandError with the end of what it said.
        """
        self._narrator.command(argv)
        process = subprocess.Popen(  # noqa: S603 - our own argument lists, no shell
            argv,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with self._lock:
            self._running.add(process)
        try:
            output, errors = process.communicate()
        except BaseException:
            _end(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        self._narrator.detail(output + errors)
        if process.returncode != 0:
            said = "\n".join((output + errors).splitlines()[-_TAIL_LINES:])
            message = f"{' '.join(argv[:3])} ended with {process.returncode}:\n{said}"
            raise CommandError(message, code=process.returncode, said=said)
        return output

    def stop(self) -> None:
        """End whatever is still running."""
        with self._lock:
            running = tuple(self._running)
        for process in running:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a command and what it started; what does not end by itself is killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
            return
