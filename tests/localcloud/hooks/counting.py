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
        _note({"test": request.node.nodeid, "calls": {}, "families": {}})
        yield
        return
    cloud: Any = request.getfixturevalue("cloud")
    before = {one["label"]: one["calls"] for one in cloud.control("hooks")}
    yield
    after = cloud.control("hooks")
    counted = {one["label"]: one["calls"] - before.get(one["label"], 0) for one in after}
    calls = {label: calls for label, calls in counted.items() if calls}
    families = {one["label"]: one["family"] for one in after}
    _note({"test": request.node.nodeid, "calls": calls, "families": families})


def pytest_sessionfinish() -> None:
    """Note which tests failed with every hook in place."""
    _note({"failed": sorted(_failed)})


def _note(what: dict[str, Any]) -> None:
    with Path(os.environ[COUNTS]).open("a") as file:
        file.write(json.dumps(what) + "\n")
