"""`shift_traffic`: a task in; the endpoint's weights and the ledger out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.outcome import promote
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import AT, CANARY, STABLE, a_rollout, a_signal, a_state

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

BOTH = "churn-v3-v4-e5-both"
ONWARD = a_rollout(position=0, action=Action.SHIFT)
BACK = a_rollout(position=0, action=Action.ROLL_BACK)
BUSY = 'Cannot update in-progress endpoint "churn".'


def shift(world: World, rollout: Rollout) -> dict[str, Any]:
    event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
    answer: dict[str, Any] = world.call("shift_traffic", event)
    return answer


@pytest.fixture
def provisioned(world: World) -> World:
    """Version 4 stands dark beside version 3."""
    world.given(a_state(ONWARD))
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    return world


def test_the_canary_gets_its_steps_weight(provisioned: World) -> None:
    answer = shift(provisioned, ONWARD)

    assert provisioned.traffic() == {"v3-e3": 90.0, "v4-e5": 10.0}
    assert answer == dump_rollout(ONWARD)
    (entry,) = provisioned.targets.history("endpoint/churn")
    assert (entry.event, entry.reason, entry.at) == ("Shifted", "v3-e3 90 %, v4-e5 10 %", AT)
    assert provisioned.state.intent == ""


def test_the_intent_is_durable_before_the_traffic_moves(provisioned: World, faults: Faults) -> None:
    refused = faults.refusing("UpdateEndpointWeightsAndCapacities", "AccessDenied")
    with refused, pytest.raises(Exception, match="AccessDenied"):
        shift(provisioned, ONWARD)

    assert provisioned.state.intent == "Shift at 10 %"
    assert provisioned.traffic() == {"v3-e3": 100.0, "v4-e5": 0.0}


def test_shifting_again_after_a_lost_reply_changes_nothing_more(
    provisioned: World, faults: Faults
) -> None:
    with faults.lost_reply("UpdateEndpointWeightsAndCapacities"):
        shift(provisioned, ONWARD)
    shift(provisioned, ONWARD)

    assert provisioned.traffic() == {"v3-e3": 90.0, "v4-e5": 10.0}


@pytest.mark.parametrize("rollout", [ONWARD, BACK], ids=["onward", "back"])
@pytest.mark.parametrize(
    "state",
    [
        pytest.param(a_state(), id="nobody holds the target"),
        pytest.param(a_state(a_rollout(id="churn-g1-e6", epoch=6)), id="a newer epoch"),
    ],
)
def test_a_displaced_holder_moves_no_traffic(
    provisioned: World, wire: Wire, rollout: Rollout, state: TargetState
) -> None:
    provisioned.given(state)

    with pytest.raises(DisplacedError):
        shift(provisioned, rollout)

    assert wire.calls("UpdateEndpointWeightsAndCapacities", "DeleteEndpoint") == []


def test_no_weight_is_added_against_a_signal(provisioned: World) -> None:
    provisioned.given(a_state(ONWARD, signal=a_signal()))

    with pytest.raises(SignalPendingError):
        shift(provisioned, ONWARD)

    assert provisioned.traffic() == {"v3-e3": 100.0, "v4-e5": 0.0}


def test_an_endpoint_in_progress_is_left_to_the_machines_retry(
    provisioned: World, wire: Wire
) -> None:
    wire.refuse("UpdateEndpointWeightsAndCapacities", "ValidationException", BUSY)

    with pytest.raises(EndpointBusyError):
        shift(provisioned, ONWARD)

    shift(provisioned, ONWARD)
    assert provisioned.traffic() == {"v3-e3": 90.0, "v4-e5": 10.0}


# The way back.


@pytest.fixture
def at_ten(world: World) -> World:
    """Version 4 has 10 %, and a signal stands against it."""
    world.given(a_state(BACK, signal=a_signal()))
    world.given_endpoint(BOTH, v3_e3=90, v4_e5=10)
    return world


def test_all_traffic_goes_back_to_stable_in_one_call(at_ten: World, wire: Wire) -> None:
    shift(at_ten, BACK)

    assert at_ten.traffic() == {"v3-e3": 100.0, "v4-e5": 0.0}
    assert len(wire.calls("UpdateEndpointWeightsAndCapacities")) == 1
    assert at_ten.history() == ["Shifted"]


def test_going_back_twice_changes_weights_once(at_ten: World, wire: Wire) -> None:
    shift(at_ten, BACK)
    shift(at_ten, BACK)

    assert len(wire.calls("UpdateEndpointWeightsAndCapacities")) == 1


def test_a_canary_that_is_still_coming_up_is_waited_for(world: World) -> None:
    """A rejection while the update runs: the update ends with the canary on the endpoint."""
    world.given(a_state(BACK, signal=a_signal()))
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    world.endpoint_becomes("Updating")

    with pytest.raises(EndpointBusyError):
        shift(world, BACK)


@pytest.mark.parametrize("status", ["Updating", "SystemUpdating", "RollingBack"])
def test_a_way_back_waits_for_the_update_under_way(at_ten: World, wire: Wire, status: str) -> None:
    at_ten.endpoint_becomes(status)

    with pytest.raises(EndpointBusyError):
        shift(at_ten, BACK)

    assert wire.calls("UpdateEndpointWeightsAndCapacities") == []


def test_what_never_arrived_has_nothing_to_give_back(world: World, wire: Wire) -> None:
    world.given(a_state(BACK))
    world.given_endpoint("churn-v3-e3", v3_e3=100)

    shift(world, BACK)

    assert wire.calls("UpdateEndpointWeightsAndCapacities") == []
    assert world.history() == []


def test_there_is_no_endpoint_to_go_back_on(world: World) -> None:
    world.given(a_state(BACK))

    assert shift(world, BACK) == dump_rollout(BACK)


FIRST = a_rollout(Kind.ALL_AT_ONCE, action=Action.ROLL_BACK)


def endpoints(world: World) -> list[str]:
    found = world.aws("sagemaker").list_endpoints()["Endpoints"]
    return [one["EndpointName"] for one in found]


@pytest.mark.parametrize("status", ["Failed", "InService"])
def test_a_first_deployment_that_must_not_serve_is_deleted(world: World, status: str) -> None:
    world.given(a_state(FIRST, live=None))
    world.given_endpoint(CANARY.endpoint_config, v4_e5=100)
    world.endpoint_becomes(status)

    shift(world, FIRST)
    shift(world, FIRST)

    assert endpoints(world) == []


def test_a_first_deployment_on_its_way_is_deleted_once_it_arrived(world: World) -> None:
    world.given(a_state(FIRST, live=None))
    world.given_endpoint(CANARY.endpoint_config, v4_e5=100)
    world.endpoint_becomes("Creating")

    with pytest.raises(EndpointBusyError):
        shift(world, FIRST)
    world.endpoint_becomes("InService")
    shift(world, FIRST)

    assert endpoints(world) == []


def test_an_endpoint_that_is_not_ours_is_never_deleted(world: World) -> None:
    world.given(a_state(FIRST, live=None))
    world.given_endpoint("by-hand", v1=100)
    world.endpoint_becomes("Failed")

    shift(world, FIRST)

    assert endpoints(world) == ["churn"]


def test_a_first_deployment_whose_promotion_the_machine_never_heard_of_keeps_serving(
    world: World,
) -> None:
    change, _ = promote(a_state(FIRST, live=None), FIRST, now=AT)
    world.given(change.state)
    world.given_endpoint(CANARY.endpoint_config, v4_e5=100)

    answer = shift(world, FIRST)

    assert endpoints(world) == ["churn"]
    assert answer["promoted"] is True
