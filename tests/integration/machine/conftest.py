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
def kind(request: pytest.FixtureRequest) -> str:
    """What kind of target `churn` is: an endpoint, unless a test asks for both (`BOTH`)."""
    return getattr(request, "param", "endpoint")


@pytest.fixture
def world(
    kind: str,
    clients: Callable[[str], Any],
    function: Callable[[str], ModuleType],
    context: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Versions 1 to 3 of `churn` wait for their approval; nothing serves; invariants are on."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    account = Account(target=f"{kind}/churn")
    made = World(Wire(monkeypatch, account), function, clients, context)
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
    lived = f"{world.account.target} serves"
    if lived not in kept:
        world.decide(1, "Approved")
        world.settle()
        kept[lived] = world.save()
    world.restore(kept[lived])
    return world


@pytest.fixture
def rollout(serving: World, kept: dict[str, Any]) -> list[Moment]:
    """Every moment of the rollout of version 2, from its approval to its rest."""
    lived = f"{serving.account.target} rolls out"
    if lived not in kept:
        serving.decide(2, "Approved")
        kept[lived] = list(moments(serving))
    found: list[Moment] = kept[lived]
    return found
