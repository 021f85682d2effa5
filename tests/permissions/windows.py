"""A pytest plugin: which part of the cloud's log of calls each test is, and how the test ended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOWS = "SLUICE_WINDOWS"
"""Names the file that gets one JSON object a test."""
CALLS = "SLUICE_CALLS"
"""Names the cloud's log of calls."""

_failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what fails, in whatever phase."""
    if report.failed:
        _failed.add(report.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note what the call log held before the test and after it."""
    log = Path(os.environ[CALLS])
    began = _lines(log)
    yield
    window: dict[str, Any] = {
        "test": item.nodeid,
        "began": began,
        "ended": _lines(log),
        "passed": item.nodeid not in _failed,
    }
    with Path(os.environ[WINDOWS]).open("a") as file:
        file.write(json.dumps(window) + "\n")


def _lines(log: Path) -> int:
    with log.open("rb") as file:
        return sum(1 for _ in file)
