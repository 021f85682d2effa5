"""A rollback whose release does not come up: the next good one, each once, then a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.rollout import Phase
from tests.integration.machine.courses import BOTH
from tests.integration.machine.invariants import Invariants
from tests.integration.machine.test_histories import told

if TYPE_CHECKING:
    from tests.integration.machine.world import World


@pytest.fixture
def third(serving: World, kept: dict[str, Any]) -> World:
    """Version 3 serves; versions 2 and 1 served well before."""
    lived = f"{serving.account.target} serves its third"
    if lived not in kept:
        for version in (2, 3):
            serving.decide(version, "Approved")
            serving.settle()
        kept[lived] = serving.save()
    serving.restore(kept[lived])
    return serving


def alarmed(world: World) -> list[str]:
    """An alarm on what serves; what the history tells of it, once the world is at rest."""
    before = len(world.events())
    (variant,) = world.traffic()
    world.deliver("handle_alarm", world.fire(variant))
    world.settle()
    Invariants(world).at_rest()
    return world.events()[before:]


def test_a_release_that_does_not_come_up_leaves_its_place_to_the_one_before(third: World) -> None:
    third.account.sagemaker.doomed["v2-"] = "InService"

    told = alarmed(third)

    assert told == [
        "AlarmFired churn-v3",
        "RolloutStarted churn-v2",
        "Failed churn-v2",
        "Settled churn-v2",
        "RolloutStarted churn-v1",
        "RolledBack churn-v1",
        "Settled churn-v1",
    ]
    assert third.traffic() == {"v1-e5": 100.0}
    assert (third.state.phase, third.state.bad) == (Phase.IDLE, {})
    assert list(third.state.suspect) == ["churn-v3"]
    assert "TargetHalted" not in third.account.told


@BOTH
def test_a_release_whose_signature_is_gone_leaves_its_place_to_the_one_before(
    third: World,
) -> None:
    (envelope,) = (one for one in third.account.texts if "/v2-" in one and "dsse" in one)
    del third.account.texts[envelope]

    told = alarmed(third)

    assert told[1:4] == ["RolloutStarted churn-v2", "Failed churn-v2", "Settled churn-v2"]
    (failed,) = (one for one in third.history() if one["event"] == "Failed")
    assert "SIGNATURE_MISSING" in failed["reason"]
    assert told[-2:] == ["RolledBack churn-v1", "Settled churn-v1"]
    assert third.state.phase is Phase.IDLE


def test_when_none_comes_up_a_person_is_told_what_was_tried(third: World) -> None:
    third.account.sagemaker.doomed |= {"v2-": "InService", "v1-": "InService"}

    told = alarmed(third)

    assert [one.split()[0] for one in told].count("Failed") == 2
    assert told[-1] == "Halted churn-v3"
    assert third.traffic() == {"v3-e3": 100.0}, "what serves goes on serving"
    assert third.state.phase is Phase.HALTED
    assert "churn-v2, churn-v1 did not come up" in third.history()[-1]["reason"]


def test_what_was_rejected_meanwhile_is_not_tried(third: World) -> None:
    third.account.sagemaker.doomed["v2-"] = "InService"
    third.hears = lambda _function, _event: False
    third.decide(1, "Rejected")
    third.hears = lambda _function, _event: True

    alarmed(third)

    assert third.state.phase is Phase.HALTED
    (halted,) = (one for one in third.history() if one["event"] == "Halted")
    assert halted["reason"].endswith(
        "churn-v2 did not come up to take over; no other release served "
        "endpoint/churn well and is still approved"
    )


@pytest.mark.parametrize("ends", ["InService", "UpdateRollbackFailed", "Failed"])
def test_stable_serves_whatever_an_update_to_the_canary_ends_in(serving: World, ends: str) -> None:
    """Taken back, mixed with fleets that could not be, or lost and put up again: once."""
    serving.account.sagemaker.doomed["v2-"] = ends

    serving.decide(2, "Approved")
    serving.settle()

    Invariants(serving).at_rest()
    assert {name.partition("-")[0] for name in serving.traffic()} == {"v1"}
    assert serving.state.bad == {}, "an endpoint's failure is no proof against the version"
    assert "Promoted churn-v2" not in serving.events()


def test_of_several_that_served_well_the_newest_takes_over(serving: World) -> None:
    for version in (2, 3):
        serving.decide(version, "Approved")
        serving.settle()
    serving.deliver("handle_alarm", serving.fire("v3-e3"))

    assert told(serving)[-2:] == ["RolledBack churn-v2", "Settled churn-v2"]
    assert serving.traffic() == {"v2-e4": 100.0}
