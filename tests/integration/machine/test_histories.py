"""What a target's history tells of each way a rollout can go, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain import names
from sluice.domain.auditing import audit
from sluice.domain.recorded import Recorded
from sluice.domain.rollout import Phase
from tests.builders import a_package_arn
from tests.integration.machine.courses import BOTH
from tests.integration.machine.invariants import Invariants
from tests.integration.machine.looking import plain

if TYPE_CHECKING:
    from tests.integration.machine.world import World

pytestmark = BOTH

FIRST = ["Approved churn-v1", "RolloutStarted churn-v1", "Promoted churn-v1", "Settled churn-v1"]
BEGUN = ["Approved churn-v2", "RolloutStarted churn-v2", "Shifted churn-v2"]
PROMOTED = [*BEGUN, "Shifted churn-v2", "Promoted churn-v2"]


def waiting(world: World, phase: Phase) -> None:
    """Version 2 is on its way, and waits in this phase."""
    world.decide(2, "Approved")
    world.run(lambda one: bool(one.state.token) and one.state.phase is phase)


def recorded(world: World) -> Recorded:
    """What the ledger holds of the target's past."""
    state = plain(world.account.ledger.items[world.stored_as])
    return Recorded(target=world.account.target, state=state, history=tuple(world.history()))


def told(world: World) -> list[str]:
    """The history since version 1 settled, once the world is at rest."""
    world.settle()
    Invariants(world).at_rest()
    assert audit(recorded(world)) == ()
    events = world.events()
    assert events[: len(FIRST)] == FIRST
    return events[len(FIRST) :]


def test_a_version_that_does_well_is_promoted(serving: World) -> None:
    serving.decide(2, "Approved")

    assert told(serving) == [*PROMOTED, "Settled churn-v2"]
    assert serving.traffic() == {serving.canary: 100.0}
    assert [str(good.release) for good in serving.state.last_good] == ["churn-v2", "churn-v1"]


def test_a_canary_that_does_worse_than_stable_is_taken_off_and_blamed(serving: World) -> None:
    serving.account.cloudwatch.failing[serving.canary] = 0.02  # less than its alarm would tell of

    serving.decide(2, "Approved")

    assert told(serving) == [*BEGUN, "Shifted churn-v2", "Aborted churn-v2", "Settled churn-v2"]
    assert serving.traffic() == {serving.stable: 100.0}
    assert set(serving.state.bad) == {"churn-v2"}
    assert serving.account.registry.packages[a_package_arn(2)].status == "Rejected"
    evidence = [one.get("evidence") for one in serving.history()]
    (name,) = {one for one in evidence if one}
    execution = names.execution(serving.account.target, generation=1, epoch=2)
    kept = (f"EVIDENCE#{serving.account.target}", f"{execution}/{name}")
    assert kept in serving.account.ledger.items


def test_an_outage_of_both_versions_is_not_the_canarys(serving: World) -> None:
    serving.account.cloudwatch.failing = {serving.stable: 0.02, serving.canary: 0.02}

    serving.decide(2, "Approved")

    assert told(serving) == [*PROMOTED, "Settled churn-v2"]


def test_a_canary_without_traffic_is_held_and_then_returned(serving: World) -> None:
    serving.account.cloudwatch.per_minute = 0

    serving.decide(2, "Approved")
    serving.run(lambda one: one.state.phase is Phase.HELD)

    assert serving.traffic() == {serving.stable: 90.0, serving.canary: 10.0}
    serving.pass_time(600)
    assert serving.state.phase is Phase.HELD
    assert serving.events()[-1] == "Held churn-v2"
    assert serving.account.told.count("RolloutHeld") == 1


def test_an_alarm_on_the_canary_ends_its_rollout(serving: World) -> None:
    waiting(serving, Phase.BAKING)
    serving.deliver("handle_alarm", serving.fire(serving.canary))

    assert told(serving) == [
        *BEGUN,
        "AlarmFired churn-v2",
        "Shifted churn-v2",
        "Aborted churn-v2",
        "Settled churn-v2",
    ]
    assert serving.traffic() == {serving.stable: 100.0}


def test_a_rejection_of_the_canary_ends_its_rollout(serving: World) -> None:
    waiting(serving, Phase.BAKING)
    serving.decide(2, "Rejected")

    assert told(serving) == [
        *BEGUN,
        "Rejected churn-v2",
        "Shifted churn-v2",
        "Aborted churn-v2",
        "Settled churn-v2",
    ]
    assert serving.traffic() == {serving.stable: 100.0}


def test_an_alarm_during_stand_by_is_one_weight_change(serving: World) -> None:
    waiting(serving, Phase.STANDING_BY)
    serving.deliver("handle_alarm", serving.fire(serving.canary))

    assert told(serving) == [
        *PROMOTED,
        "AlarmFired churn-v2",
        "Shifted churn-v2",
        "RolledBack churn-v2",
        "Settled churn-v2",
    ]
    assert serving.traffic() == {serving.stable: 100.0}


@pytest.mark.parametrize("cause", ["AlarmFired", "Rejected"])
def test_later_the_last_good_version_takes_over_again(serving: World, cause: str) -> None:
    serving.decide(2, "Approved")
    serving.settle()
    if cause == "Rejected":
        serving.decide(2, "Rejected")
    else:
        serving.deliver("handle_alarm", serving.fire(serving.canary))

    assert told(serving) == [
        *PROMOTED,
        "Settled churn-v2",
        f"{cause} churn-v2",
        "RolloutStarted churn-v1",
        "RolledBack churn-v1",
        "Settled churn-v1",
    ]
    back = serving.stable if serving.of_application else "v1-e3"
    assert serving.traffic() == {back: 100.0}, "a published version is the way back itself"
    assert list(serving.state.suspect) == (["churn-v2"] if cause == "AlarmFired" else [])
