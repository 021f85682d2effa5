"""What a look at a rollout in flight finds: signals, and an endpoint as intended or otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.arming import AlarmState
from sluice.domain.judging import Finding
from sluice.domain.rollout import Action, Kind, Phase, Rollout, Verdict
from sluice.domain.sight import Sight
from sluice.domain.watching import EndpointView, VariantView, intended, look
from tests.builders import ALARM, AT, a_rollout, a_sight, a_signal, a_state, after, an_endpoint
from tests.unit.looks import (
    ALONE,
    AT_ALL,
    AT_TEN,
    BAKING,
    FIRING,
    MAX,
    OK,
    STANDING_BY,
    action,
    looked,
    parked,
)

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

# Signals.


@pytest.mark.parametrize("phase", [Phase.PROVISIONING, Phase.BAKING, Phase.HELD, Phase.STANDING_BY])
def test_a_signal_whose_wake_up_was_lost_is_sent_again(phase: Phase) -> None:
    found = looked(BAKING, phase, a_sight(AT_TEN), 0, signal=a_signal())

    assert found
    assert (found.action, found.blames) == (Action.ROLL_BACK, True)
    assert found.reason == a_signal().reason


def test_a_signal_does_not_disturb_settling() -> None:
    sight = a_sight(an_endpoint("Updating", v4_e5=100))

    assert looked(STANDING_BY, Phase.SETTLING, sight, signal=a_signal()) is None


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(a_state(), id="nobody holds the target"),
        pytest.param(a_state(BAKING, phase=Phase.BAKING), id="nobody is parked"),
        pytest.param(parked(BAKING, Phase.STARTING), id="a stale token of the phase before"),
    ],
)
def test_nobody_is_woken_who_does_not_wait(state: TargetState) -> None:
    assert look(state, a_sight(AT_TEN, alarm=FIRING), now=after(MAX)) is None


# What an endpoint shows.


@pytest.mark.parametrize(
    ("rollout", "endpoint", "as_meant"),
    [
        pytest.param(BAKING, AT_TEN, True, id="the step's weight"),
        pytest.param(BAKING, an_endpoint(v3_e3=9, v4_e5=1), True, id="weights are ratios"),
        pytest.param(BAKING, an_endpoint(v3_e3=89, v4_e5=11), False, id="one percent off"),
        pytest.param(BAKING, an_endpoint(v3_e3=1), False, id="no canary"),
        pytest.param(BAKING, an_endpoint(v3_e3=0, v4_e5=0), False, id="no weight anywhere"),
        pytest.param(
            BAKING, an_endpoint(config="x", v3_e3=90, v4_e5=10), False, id="another configuration"
        ),
        pytest.param(
            BAKING, an_endpoint("Updating", v3_e3=90, v4_e5=10), False, id="not in service"
        ),
        pytest.param(
            BAKING, an_endpoint("SystemUpdating", v3_e3=90, v4_e5=10), False, id="AWS at work"
        ),
        pytest.param(a_rollout(Kind.ROLL_BACK), ALONE, True, id="one variant alone"),
        pytest.param(BAKING, None, False, id="no endpoint"),
    ],
)
def test_an_endpoint_is_as_intended(
    rollout: Rollout, endpoint: EndpointView | None, as_meant: bool
) -> None:
    assert intended(rollout, endpoint) is as_meant


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        ("InService", True),
        ("Failed", True),
        ("UpdateRollbackFailed", True),
        ("OutOfService", True),
        ("Creating", False),
        ("Updating", False),
        ("SystemUpdating", False),
        ("RollingBack", False),
        ("Deleting", False),
    ],
)
def test_every_status_is_known_to_stay_or_to_pass(status: str, settled: bool) -> None:
    assert an_endpoint(status).settled is settled


def test_only_weights_count_for_who_serves() -> None:
    assert AT_ALL.serves_only("v4-e5")
    assert not AT_TEN.serves_only("v4-e5")
    assert not an_endpoint(v3_e3=0, v4_e5=0).serves_only("v4-e5")


weights = st.sampled_from([0.0, 10.0, 50.0, 90.0, 100.0])

endpoints = st.one_of(
    st.none(),
    st.builds(
        EndpointView,
        status=st.sampled_from(["InService", "Updating", "Failed", "UpdateRollbackFailed"]),
        config=st.sampled_from(["churn-v3-v4-e5-both", "old"]),
        variants=st.dictionaries(
            st.sampled_from(["v3-e3", "v4-e5"]), st.builds(VariantView, weights, st.just(1))
        ),
    ),
)

sights = st.builds(
    Sight,
    endpoint=endpoints,
    alarms=st.dictionaries(st.just(ALARM), st.sampled_from(list(AlarmState))),
    finding=st.builds(
        Finding, st.sampled_from([None, *Verdict]), st.just(""), st.sampled_from([0, 1, 1000])
    ),
)

rollouts = st.builds(
    a_rollout,
    position=st.sampled_from([0, 1]),
    on_inconclusive=st.sampled_from([Action.HOLD, Action.PROMOTE, Action.ROLL_BACK]),
)


@given(
    rollouts,
    st.sampled_from(list(Phase)),
    sights,
    st.sampled_from([0, 60, 300, 600, 1800, 3600, 90_000]),
    st.booleans(),
)
def test_weight_is_added_only_while_every_alarm_is_ok_and_the_endpoint_as_intended(
    rollout: Rollout, phase: Phase, sight: Sight, waited: int, signalled: bool
) -> None:
    if phase is Phase.PROVISIONING:
        rollout = rollout.model_copy(update={"position": -1})
    signal = {"signal": a_signal()} if signalled else {}

    found = looked(rollout, phase, sight, waited, **signal)

    if action(found) in {Action.SHIFT, Action.PROMOTE}:
        assert dict(sight.alarms) == {ALARM: OK}
        assert intended(rollout, sight.endpoint)
        assert not signalled


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.HELD, Phase.STANDING_BY])
@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param(None, id="deleted by hand"),
        pytest.param(an_endpoint("Failed", v3_e3=90, v4_e5=10), id="Failed"),
        pytest.param(an_endpoint("OutOfService", v3_e3=90, v4_e5=10), id="OutOfService"),
        pytest.param(an_endpoint("UpdateRollbackFailed", v3_e3=90, v4_e5=10), id="a mix"),
    ],
)
def test_nothing_is_waited_for_on_an_endpoint_that_is_lost(
    phase: Phase, endpoint: EndpointView | None
) -> None:
    state = a_state(a_rollout(position=0), token="t-1", parked_at=AT, phase=phase)

    answer = look(state, a_sight(endpoint), now=AT)

    assert answer
    assert (answer.action, answer.blames) == (Action.ROLL_BACK, False)
    assert answer.reason.startswith("the endpoint ")
