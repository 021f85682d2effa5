"""The schedule removes alarms on variants that are gone, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import (
    CANARY,
    EXECUTION,
    STABLE,
    a_release,
    a_rollout,
    a_state,
    an_event,
    deployed,
    serverless,
)

if TYPE_CHECKING:
    from sluice.domain.target import TargetState
    from tests.integration.faults import Faults
    from tests.integration.rollouts import World

TICK = an_event("events_scheduled")
GOOD = deployed(2, epoch=2)
GONE = "sluice-churn-v1-e1-errors"


@pytest.fixture
def watched(world: World) -> World:
    """Version 3 serves, version 2 served well before, version 1's variant is gone."""
    world.given_versions(1, 2, 3)
    world.call("reconcile_target", TICK)
    for name in (STABLE.alarms[0], GOOD.alarms[0], GONE):
        world.given_alarm(STABLE, name=name)
    world.given(a_state(last_good=(STABLE, GOOD)))
    return world


def test_an_alarm_on_a_variant_that_is_gone_is_deleted_and_forgotten(watched: World) -> None:
    arn = watched.given_alarm(deployed(1, epoch=1), name=GONE)

    watched.call("reconcile_target", TICK)

    assert watched.alarms() == {STABLE.alarms[0], GOOD.alarms[0]}
    assert watched.targets.watched_by(arn) == ()


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(
            a_state(a_rollout(), last_good=(STABLE,)), id="while a rollout holds the target"
        ),
        pytest.param(
            a_state(live=deployed(1, epoch=1), last_good=(STABLE, GOOD)), id="on what serves"
        ),
        pytest.param(
            a_state(last_good=(STABLE, GOOD, deployed(1, epoch=1))), id="on what served well"
        ),
        pytest.param(
            a_state(live=serverless(deployed(1, epoch=1)), last_good=(STABLE, GOOD)),
            id="on what serves without servers, under the name of all versions",
        ),
    ],
)
def test_no_alarm_that_may_be_needed_is_deleted(watched: World, state: TargetState) -> None:
    watched.given(state)
    if state.holder:
        watched.start(EXECUTION)
    before = watched.alarms()

    watched.call("reconcile_target", TICK)

    assert watched.alarms() == before


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("sluice-fraud-v1-e1-errors", id="of a target the ledger does not know"),
        pytest.param("sluice-churn-eu-v1-e1-errors", id="of an endpoint with a longer name"),
        pytest.param("sluice-churn-v1-e1-of-somebody", id="with a name like ours"),
        pytest.param("sluice-dead-letters", id="of the stack itself"),
    ],
)
def test_no_alarm_that_is_not_ours_is_deleted(watched: World, name: str) -> None:
    watched.given_alarm(CANARY, name=name)

    watched.call("reconcile_target", TICK)

    assert name in watched.alarms()


def test_alarms_that_cannot_be_listed_stop_no_rollout(watched: World, faults: Faults) -> None:
    watched.decide(watched.given_release(a_release("churn-v4")), "Approved")

    with faults.refusing("DescribeAlarms", "AccessDenied"), pytest.raises(ExceptionGroup):
        watched.call("reconcile_target", TICK)

    assert watched.history()[-1] == "RolloutStarted"
