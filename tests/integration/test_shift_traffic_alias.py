"""`shift_traffic` on a Bedrock application: the same course, and each change one UpdateAlias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.endpoint import EndpointBusyError
from sluice.domain.errors import SignalPendingError
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import a_rollout, a_signal, a_state, deployed
from tests.integration.lambdas import Lambdas

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from tests.integration.rollouts import World

APPLICATION = "application/support"
STABLE = deployed(3, epoch=3, variant="6", endpoint_config="6")
CANARY = deployed(4, epoch=5, variant="7", endpoint_config="7")


def a_rollout_there(kind: Kind = Kind.CANARY, **changes: Any) -> Rollout:
    canary = kind is Kind.CANARY
    defaults = {
        "target": APPLICATION,
        "release": CANARY,
        "stable": STABLE if canary else None,
        "replaced": STABLE if kind is Kind.ROLL_BACK else None,
        "provision_config": "6+7" if canary else "7",
    }
    return a_rollout(kind, **{**defaults, **changes})


UPDATE = a_rollout_there(action=Action.UPDATE)
ONWARD = a_rollout_there(position=0, action=Action.SHIFT)
BACK = a_rollout_there(position=0, action=Action.ROLL_BACK)
FIRST = a_rollout_there(Kind.ALL_AT_ONCE, action=Action.CREATE)
STANDING_BY = a_rollout_there(position=1, promoted=True, action=Action.ROLL_BACK)
DROP = STANDING_BY.to(Action.SETTLE, "served well", settle_config="7")
LATER = a_rollout_there(Kind.ROLL_BACK, action=Action.UPDATE)


@pytest.fixture
def lambdas(world: World, monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    """Version 6 serves release 3, version 7 was published for release 4."""
    assert world
    played = Lambdas(monkeypatch)
    played.publishes(6, "s3://bucket/3")
    played.publishes(7, "s3://bucket/4")
    played.leads_to(6)
    return played


def held(world: World, rollout: Rollout, **changes: Any) -> TargetState:
    state = a_state(rollout, live=STABLE, last_good=(STABLE,), **changes)
    return world.given(state.model_copy(update={"target": APPLICATION}))


def shift(world: World, rollout: Rollout) -> dict[str, Any]:
    event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
    answer: dict[str, Any] = world.call("shift_traffic", event)
    return answer


@pytest.mark.parametrize(
    ("before", "rollout", "after"),
    [
        pytest.param((6, {}), UPDATE, {"6": 100, "7": 0}, id="provisioned"),
        pytest.param((6, {"v7": 0.0}), ONWARD, {"6": 90, "7": 10}, id="a step"),
        pytest.param((6, {"v7": 0.1}), BACK, {"6": 100, "7": 0}, id="a canary that failed"),
        pytest.param(
            (7, {"v6": 0.0}), STANDING_BY, {"6": 100, "7": 0}, id="an alarm after promotion"
        ),
        pytest.param((7, {"v6": 0.0}), DROP, {"7": 100}, id="settled"),
        pytest.param((6, {}), LATER, {"7": 100}, id="a last good version takes over"),
        pytest.param((1, {}), FIRST, {"7": 100}, id="the first deployment"),
        pytest.param(
            (7, {}), FIRST.to(Action.ROLL_BACK, "wrong"), {"1": 100}, id="the first one failed"
        ),
    ],
)
def test_each_change_of_the_traffic_is_one_update_of_the_alias(
    world: World,
    lambdas: Lambdas,
    before: tuple[int, dict[str, float]],
    rollout: Rollout,
    after: dict[str, float],
) -> None:
    held(world, rollout)
    lambdas.leads_to(before[0], **before[1])

    shift(world, rollout)
    assert lambdas.traffic() == after
    assert len(lambdas.updates()) == 1

    shift(world, rollout)  # the same task again
    assert lambdas.traffic() == after


def test_the_history_tells_which_version_got_what(world: World, lambdas: Lambdas) -> None:
    held(world, ONWARD)
    lambdas.leads_to(6, v7=0.0)

    shift(world, ONWARD)

    (entry,) = world.targets.history(APPLICATION)
    assert (entry.event, entry.reason) == ("Shifted", "6 90 %, 7 10 %")


def test_a_change_made_in_between_is_looked_at_before_it_is_replaced(
    world: World, lambdas: Lambdas
) -> None:
    held(world, ONWARD)
    lambdas.leads_to(6, v7=0.0)
    lambdas.before["UpdateAlias"] = lambda: lambdas.leads_to(6, v7=0.9)

    with pytest.raises(EndpointBusyError):
        shift(world, ONWARD)
    assert lambdas.traffic() == {"6": 10, "7": 90}

    shift(world, ONWARD)  # the machine's retry
    assert lambdas.traffic() == {"6": 90, "7": 10}


def test_against_a_signal_no_version_gets_more(world: World, lambdas: Lambdas) -> None:
    held(world, ONWARD, signal=a_signal())
    lambdas.leads_to(6, v7=0.0)

    with pytest.raises(SignalPendingError):
        shift(world, ONWARD)

    assert lambdas.updates() == []


def test_a_version_that_is_gone_is_refused_and_told(world: World, lambdas: Lambdas) -> None:
    held(world, UPDATE)
    del lambdas.versions["7"]

    answer = shift(world, UPDATE)

    assert "ResourceNotFoundException" in answer["refused"]
    assert lambdas.traffic() == {"6": 100}


def test_an_endpoint_of_the_same_name_is_left_alone(world: World, lambdas: Lambdas) -> None:
    held(world, ONWARD)
    lambdas.leads_to(6, v7=0.0)
    world.given_endpoint("churn-v3-e3", v3_e3=100)

    shift(world, ONWARD)

    assert world.traffic() == {"v3-e3": 100.0}
