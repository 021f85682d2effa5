"""`shift_traffic`: a task in; the endpoint's weights and the ledger out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.outcome import promote
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import AT, CANARY, STABLE, a_guarded, a_rollout, a_signal, a_state

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from tests.integration.faults import Answer, Call, Faults
    from tests.integration.rollouts import Wire, World

BOTH = "churn-v3-v4-e5-both"
ONWARD = a_rollout(position=0, action=Action.SHIFT)
BACK = a_rollout(position=0, action=Action.ROLL_BACK)
UPDATE = a_rollout(action=Action.UPDATE)
CREATE = a_rollout(Kind.ALL_AT_ONCE, action=Action.CREATE)
DROP = a_rollout(position=1, promoted=True, action=Action.SETTLE, settle_config="churn-v4-e5")
CONFIRM = DROP.to(Action.RELEASE, "approved")
EVERY = [CREATE, UPDATE, ONWARD, BACK, DROP, CONFIRM]
CHANGING = (
    "CreateEndpoint",
    "UpdateEndpoint",
    "UpdateEndpointWeightsAndCapacities",
    "DeleteEndpoint",
)
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


@pytest.mark.parametrize("rollout", EVERY, ids=lambda rollout: rollout.action)
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

    assert wire.calls(*CHANGING) == []


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
