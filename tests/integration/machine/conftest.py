"""A world of our own for each test, and the moments of a rollout, lived through once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.machine.account import Account
from tests.integration.machine.courses import Moment, moments
from tests.integration.machine.history import given_version
from tests.integration.machine.invariants import Invariants
from tests.integration.machine.wire import Wire
from tests.integration.machine.world import World
from tests.integration.rollouts import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, SimpleNamespace


@pytest.fixture
def world(
    clients: Callable[[str], Any],
    function: Callable[[str], ModuleType],
    context: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Versions 1 to 3 of `churn` wait for their approval; nothing serves; invariants are on."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    made = World(Wire(monkeypatch, Account()), function, clients, context)
    for version in (1, 2, 3):
        given_version(made.account, version)
    Invariants(made)
    return made


@pytest.fixture(scope="session")
def kept() -> dict[str, Any]:
    """What was lived through already."""
    return {}


@pytest.fixture
def serving(world: World, kept: dict[str, Any]) -> World:
    """Version 1 serves, its first deployment long settled."""
    if "serving" not in kept:
        world.decide(1, "Approved")
        world.settle()
        kept["serving"] = world.save()
    world.restore(kept["serving"])
    return world


@pytest.fixture
def rollout(serving: World, kept: dict[str, Any]) -> list[Moment]:
    """Every moment of the rollout of version 2, from its approval to its rest."""
    if "rollout" not in kept:
        serving.decide(2, "Approved")
        kept["rollout"] = list(moments(serving))
    found: list[Moment] = kept["rollout"]
    return found
