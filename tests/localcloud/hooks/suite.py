"""The contract tests, run in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PASSED, _FAILED = 0, 1


class SuiteError(RuntimeError):
    """pytest neither passed nor failed its tests: something else is wrong."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: the first test that failed, if any, and what it said."""

    failed: str = ""
    said: str = ""


def run(arguments: Sequence[str], told: Mapping[str, str]) -> Ended:
    """Run pytest with these arguments and variables. Raises SuiteError."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *arguments],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == _PASSED:
        return Ended()
    if ended.returncode != _FAILED:
        raise SuiteError(ended.stdout + ended.stderr)
    named = re.search(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.MULTILINE)
    said = re.search(r"^E\s+(.*)$", ended.stdout, re.MULTILINE)
    return Ended(named[1] if named else "?", said[1][:200] if said else "")
