"""A canary that is held, a newer approval that ends it, and what is said against it meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Phase

if TYPE_CHECKING:
    from tests.integration.machine.world import World


def held(world: World) -> None:
    """Nobody asks version 2 anything, so it is held; version 3 is approved, and it is told."""
    world.account.cloudwatch.per_minute = 0
    world.decide(2, "Approved")
    world.run(lambda one: bool(one.state.token) and one.state.phase is Phase.HELD)
    world.decide(3, "Approved")
    world.run(lambda one: one.state.signal is not None)


def test_a_held_canary_is_superseded_and_not_blamed(serving: World) -> None:
    held(serving)
    serving.run(lambda one: "Superseded churn-v2" in one.events())

    assert (serving.state.bad, serving.state.suspect) == ({}, {})


@pytest.mark.parametrize("hears_of", ["alarm", "rejection"])
def test_the_stronger_cause_is_heard_after_it_was_superseded(serving: World, hears_of: str) -> None:
    held(serving)
    if hears_of == "alarm":
        serving.deliver("handle_alarm", serving.fire("v2-e2"))
    else:
        serving.decide(2, "Rejected")
    serving.run(lambda one: "Settled churn-v2" in one.events())

    assert "Aborted churn-v2" in serving.events()
    assert list(serving.state.bad) == (["churn-v2"] if hears_of == "alarm" else [])
