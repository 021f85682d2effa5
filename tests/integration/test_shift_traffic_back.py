"""`shift_traffic` on the way back to stable, or to no endpoint where there was none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.outcome import promote
from sluice.domain.rollout import Action, Kind
from tests.builders import AT, CANARY, STABLE, a_guarded, a_rollout, a_signal, a_state
from tests.integration.shifting import BACK, BOTH, endpoints, shift

if TYPE_CHECKING:
    from tests.integration.rollouts import Wire, World

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

    assert shift(world, BACK)["stuck"] == "there is no endpoint"


GUARDED = a_guarded(action=Action.ROLL_BACK)


def test_a_serverless_endpoint_gets_no_weights(world: World, wire: Wire) -> None:
    onward = a_guarded(action=Action.SHIFT, position=0)
    world.given(a_state(onward))

    shift(world, onward)

    assert wire.calls("UpdateEndpointWeightsAndCapacities", "UpdateEndpoint") == []
    assert world.history() == []


def test_a_serverless_endpoint_is_updated_back_and_waited_for(world: World, wire: Wire) -> None:
    world.given(a_state(GUARDED))
    world.given_endpoint(CANARY.endpoint_config, serverless=1)
    wire.once("UpdateEndpoint", EndpointArn="arn")

    with pytest.raises(EndpointBusyError):
        shift(world, GUARDED)

    (asked,) = wire.calls("UpdateEndpoint")
    assert asked["EndpointConfigName"] == STABLE.endpoint_config
    assert asked["RetainAllVariantProperties"] is False
    assert world.history() == ["Shifted"]


def test_a_serverless_endpoint_that_is_back_is_left_alone(world: World, wire: Wire) -> None:
    world.given(a_state(GUARDED))
    world.given_endpoint(STABLE.endpoint_config, serverless=1)

    shift(world, GUARDED)

    assert wire.calls("UpdateEndpoint") == []


def test_an_update_under_way_is_waited_for_before_the_one_back(world: World, wire: Wire) -> None:
    world.given(a_state(GUARDED))
    world.given_endpoint(STABLE.endpoint_config, serverless=1)
    world.endpoint_becomes("Updating")

    with pytest.raises(EndpointBusyError):
        shift(world, GUARDED)

    assert wire.calls("UpdateEndpoint") == []


FIRST = a_rollout(Kind.ALL_AT_ONCE, action=Action.ROLL_BACK)


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
