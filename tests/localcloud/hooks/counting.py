"""A pytest plugin: how often each test called each hook of its local cloud."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTS = "SLUICE_HOOK_COUNTS"
"""Names the file that gets one JSON object a test."""

_failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what fails, in whatever phase."""
    if report.failed:
        _failed.add(report.nodeid)


@pytest.fixture(autouse=True)
def _count_hooks(request: pytest.FixtureRequest) -> Iterator[None]:
    if not {"cloud", "client"} & set(request.fixturenames):
        yield
        return
    cloud: Any = request.getfixturevalue("cloud")
    before = {one["label"]: one["calls"] for one in cloud.control("hooks")}
    yield
    after = cloud.control("hooks")
    counted = {one["label"]: one["calls"] - before.get(one["label"], 0) for one in after}
    noted = {
        "test": request.node.nodeid,
        "calls": {label: calls for label, calls in counted.items() if calls},
        "families": {one["label"]: one["family"] for one in after},
    }
    with Path(os.environ[COUNTS]).open("a") as file:
        file.write(json.dumps(noted) + "\n")


def pytest_sessionfinish() -> None:
    """Note which tests failed with every hook in place."""
    with Path(os.environ[COUNTS]).open("a") as file:
        file.write(json.dumps({"failed": sorted(_failed)}) + "\n")
