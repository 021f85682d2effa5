"""A pytest plugin: from when to when, by the cloud's clock, each test ran."""

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note what the call log held before the test and after it."""
    log = Path(os.environ["SLUICE_CALLS"])
    began = _lines(log)
    yield
    window: dict[str, Any] = {"test": item.nodeid, "began": began, "ended": _lines(log)}
    with Path(os.environ[WINDOWS]).open("a") as file:
        file.write(json.dumps(window) + "\n")


def _lines(log: Path) -> int:
    with log.open("rb") as file:
        return sum(1 for _ in file)
