"""The end-to-end tests, run in a process of their own against a stack that is up already."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.e2e.stack import Stack, shared_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PASSED, _FAILED = 0, 1


class SuiteError(RuntimeError):
    """pytest neither passed nor failed its tests: something else is wrong."""


@contextlib.contextmanager
def attached_stack(folder: Path) -> Iterator[Stack]:
    """A fresh stack that `run` finds through `folder`.

    Removed permissions leave messages nobody could handle, so dead letters are expected here.
    """
    with contextlib.ExitStack() as running:
        stack = running.enter_context(shared_stack(folder))
        try:
            yield stack
        finally:
            with contextlib.suppress(AssertionError):
                running.close()


def collected(named: Sequence[str]) -> list[str]:
    """The ids of all tests in these folders and files."""
    ended = _pytest(["--collect-only", *named], {})
    return [line for line in ended.stdout.splitlines() if "::" in line]


def run(folder: Path, tests: Sequence[str], *options: str, slack: str = "45") -> bool:
    """Run the tests on the stack that `folder` names; whether all of them passed."""
    # What is denied never comes: waiting longer for it only takes longer.
    told = {"SLUICE_E2E_FOLDER": str(folder), "SLUICE_E2E_SLACK_SECONDS": slack}
    ended = _pytest([*options, *tests], told)
    (folder / "last-run.log").write_text(ended.stdout + ended.stderr)
    return ended.returncode == _PASSED


def _pytest(arguments: list[str], told: dict[str, str]) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode not in {_PASSED, _FAILED}:
        raise SuiteError(ended.stdout + ended.stderr)
    return ended
