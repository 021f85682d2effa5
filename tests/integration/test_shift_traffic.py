"""`shift_traffic`: a task in; the endpoint's weights and the ledger out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.events.tasks import dump_rollout
from tests.builders import AT, a_rollout, a_signal, a_state
from tests.integration.shifting import BOTH, BUSY, CHANGING, EVERY, ONWARD, shift

if TYPE_CHECKING:
    from sluice.domain.rollout import Rollout
    from sluice.domain.target import TargetState
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World


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
