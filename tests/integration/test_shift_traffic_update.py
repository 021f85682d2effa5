"""`shift_traffic` where the endpoint gets a new configuration, or is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.errors import SignalPendingError
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import CANARY, STABLE, a_rollout, a_signal, a_state
from tests.integration.shifting import (
    BACK,
    BOTH,
    BUSY,
    CHANGING,
    CONFIRM,
    CREATE,
    DROP,
    EVERY,
    ONWARD,
    UPDATE,
    endpoints,
    shift,
)

if TYPE_CHECKING:
    from tests.integration.faults import Answer, Call, Faults
    from tests.integration.rollouts import Wire, World

# A new configuration. moto has no UpdateEndpoint: it is answered on the wire.


@pytest.fixture
def before(world: World) -> World:
    """Version 3 serves; a rollout has just prepared version 4."""
    world.given(a_state(UPDATE))
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    return world


def test_the_endpoint_is_updated_to_the_configuration_with_the_canary(
    before: World, wire: Wire
) -> None:
    wire.always("UpdateEndpoint", EndpointArn="arn:churn")

    assert shift(before, UPDATE) == dump_rollout(UPDATE)

    (asked,) = wire.calls("UpdateEndpoint")
    assert (asked["EndpointName"], asked["EndpointConfigName"]) == ("churn", BOTH)
    assert asked["RetainAllVariantProperties"] is False, "the configuration has the live counts"
    assert before.state.intent == ""


@pytest.mark.parametrize("rollout", EVERY, ids=lambda rollout: rollout.action)
def test_every_act_on_an_endpoint_has_its_intent_in_the_ledger_first(
    world: World, wire: Wire, faults: Faults, rollout: Rollout
) -> None:
    given = a_state(rollout, live=None) if rollout is CREATE else a_state(rollout)
    world.given(given)
    if rollout is not CREATE:
        world.given_endpoint(BOTH, v3_e3=90, v4_e5=10)
    if rollout is UPDATE:
        world.given_endpoint_is_on(STABLE.endpoint_config)
    wire.always("CreateEndpoint", EndpointArn="arn:churn")
    wire.always("UpdateEndpoint", EndpointArn="arn:churn")
    seen: list[tuple[str, str]] = []

    def look(operation: str, call: Call) -> Answer:
        if operation in CHANGING:
            seen.append((operation, world.state.intent))
        return call()

    with faults.at_every_call(look):
        shift(world, rollout)

    ((_, intent),) = seen
    assert intent.startswith(rollout.action)
    assert world.state.intent == ""


@pytest.mark.parametrize("rollout", [CREATE, UPDATE, ONWARD, DROP], ids=lambda one: one.action)
def test_no_act_leads_onward_against_a_signal(world: World, wire: Wire, rollout: Rollout) -> None:
    """Dropping what stands by is one: with it the way back would be gone."""
    world.given(a_state(rollout, signal=a_signal()))
    world.given_endpoint(BOTH, v3_e3=90, v4_e5=10)
    wire.asked.clear()

    with pytest.raises(SignalPendingError):
        shift(world, rollout)

    assert wire.calls(*CHANGING) == []


def test_what_went_back_is_dropped_whatever_was_signalled(world: World, wire: Wire) -> None:
    gone = a_rollout(taken_back=True, action=Action.SETTLE, settle_config=STABLE.endpoint_config)
    world.given(a_state(gone, signal=a_signal()))
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    wire.always("UpdateEndpoint", EndpointArn="arn:churn")

    shift(world, gone)

    (asked,) = wire.calls("UpdateEndpoint")
    assert asked["EndpointConfigName"] == STABLE.endpoint_config


def test_a_dropped_variant_leaves_live_counts_and_takes_the_configurations_weights(
    world: World, wire: Wire
) -> None:
    world.given(a_state(DROP))
    world.given_endpoint(BOTH, v3_e3=0, v4_e5=100)
    wire.always("UpdateEndpoint", EndpointArn="arn:churn")

    shift(world, DROP)

    (asked,) = wire.calls("UpdateEndpoint")
    assert asked["RetainAllVariantProperties"] is True
    excluded = asked["ExcludeRetainedVariantProperties"]
    assert excluded == [{"VariantPropertyType": "DesiredWeight"}]


@pytest.mark.parametrize(("rollout", "config"), [(UPDATE, BOTH), (DROP, "churn-v4-e5")])
def test_an_update_whose_reply_was_lost_is_not_made_again(
    world: World, wire: Wire, rollout: Rollout, config: str
) -> None:
    world.given(a_state(rollout))
    wire.once(
        "DescribeEndpoint",
        EndpointStatus="Updating",
        EndpointConfigName="before",
        PendingDeploymentSummary={"EndpointConfigName": config},
    )
    shift(world, rollout)
    wire.once("DescribeEndpoint", EndpointStatus="InService", EndpointConfigName=config)
    shift(world, rollout)

    assert wire.calls("UpdateEndpoint") == []


def test_an_update_waits_for_another_one_to_end(before: World, wire: Wire) -> None:
    before.endpoint_becomes("SystemUpdating")

    with pytest.raises(EndpointBusyError):
        shift(before, UPDATE)

    assert wire.calls("UpdateEndpoint") == []


def test_the_sdks_own_second_attempt_after_a_lost_reply_is_waited_out(
    before: World, wire: Wire
) -> None:
    """It finds the endpoint Updating by the first attempt, and is refused."""
    wire.refuse("UpdateEndpoint", "ValidationException", BUSY)

    with pytest.raises(EndpointBusyError):
        shift(before, UPDATE)


def test_a_refused_update_is_told_and_judged_by_looking(before: World, wire: Wire) -> None:
    wire.refuse("UpdateEndpoint", "ResourceLimitExceeded", "The limit is 0 Instances.")

    answer = shift(before, UPDATE)

    assert (answer["action"], "ResourceLimitExceeded" in answer["refused"]) == ("Update", True)
    assert before.history() == ["Refused"]


def test_the_first_deployment_is_created_once(world: World, wire: Wire) -> None:
    world.given(a_state(CREATE, live=None))
    world.given_endpoint(CANARY.endpoint_config, v4_e5=100)
    world.aws("sagemaker").delete_endpoint(EndpointName="churn")
    wire.asked.clear()

    shift(world, CREATE)
    shift(world, CREATE)

    assert len(wire.calls("CreateEndpoint")) == 1
    assert endpoints(world) == ["churn"]


def test_a_mixed_fleet_is_put_back_on_stables_configuration(world: World, wire: Wire) -> None:
    world.given(a_state(BACK))
    world.given_endpoint(BOTH, v3_e3=50, v4_e5=50)
    world.endpoint_becomes("UpdateRollbackFailed")
    wire.always("UpdateEndpoint", EndpointArn="arn:churn")

    shift(world, BACK)

    (asked,) = wire.calls("UpdateEndpoint")
    assert asked["EndpointConfigName"] == STABLE.endpoint_config
    assert wire.calls("UpdateEndpointWeightsAndCapacities") == []


def test_a_mixed_fleet_that_cannot_be_put_back_is_a_persons_business(
    world: World, wire: Wire
) -> None:
    world.given(a_state(BACK))
    world.given_endpoint(BOTH, v3_e3=50, v4_e5=50)
    world.endpoint_becomes("UpdateRollbackFailed")
    wire.refuse("UpdateEndpoint", "ValidationException", "no")

    assert "ValidationException" in shift(world, BACK)["stuck"]


def test_old_weights_that_a_failed_update_brought_back_are_set_right(
    world: World, wire: Wire
) -> None:
    world.given(a_state(CONFIRM))
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)

    shift(world, CONFIRM)
    shift(world, CONFIRM)

    assert world.traffic() == {"v3-e3": 0.0, "v4-e5": 100.0}
    assert len(wire.calls("UpdateEndpointWeightsAndCapacities")) == 1


# An endpoint that is lost.

AGAIN = a_rollout(Kind.ROLL_BACK, action=Action.CREATE)


def test_a_failed_endpoint_is_deleted_and_created_afresh_once(world: World, wire: Wire) -> None:
    world.given(a_state(AGAIN))
    world.given_endpoint(CANARY.endpoint_config, v4_e5=100)
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    world.endpoint_becomes("Failed")
    wire.asked.clear()

    with pytest.raises(EndpointBusyError):  # the machine's retry finds it deleted
        shift(world, AGAIN)
    assert wire.calls("DeleteEndpoint")
    shift(world, AGAIN)
    world.endpoint_becomes("Failed")
    shift(world, AGAIN)

    assert [name for name, _ in wire.asked if name in CHANGING] == [
        "DeleteEndpoint",
        "CreateEndpoint",
    ]


@pytest.mark.parametrize("status", ["Deleting", "Creating"])
def test_a_creation_waits_for_what_is_under_way(world: World, wire: Wire, status: str) -> None:
    world.given(a_state(AGAIN))
    world.given_endpoint(STABLE.endpoint_config, v3_e3=100)
    world.endpoint_becomes(status)
    wire.asked.clear()

    with pytest.raises(EndpointBusyError):
        shift(world, AGAIN)

    assert wire.calls(*CHANGING) == []
