"""Fixtures for tests of the rollout, whatever stands around it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, SimpleNamespace

    from sluice.adapters.ledger.table import Table
    from tests.integration.rollouts import Wire, World

# Read when the package's one logger is made: when the first test that needs it is imported.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "sluice")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Sluice")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """What goes over the wire to AWS."""
    from tests.integration.rollouts import Wire

    return Wire(monkeypatch)


@pytest.fixture
def world(
    aws: Callable[[str], Any],
    table: Table,
    function: Callable[[str], ModuleType],
    context: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """A target's surroundings on moto, with nothing deployed yet."""
    from tests.integration.rollouts import ENVIRONMENT, Mutes, a_world

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return a_world(aws, table, function, context, Mutes(monkeypatch))
