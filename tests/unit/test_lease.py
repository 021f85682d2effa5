"""What a task may do under its lease."""

from __future__ import annotations

import pytest

from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.lease import (
    Act,
    acted,
    as_recorded,
    heard,
    intend,
    leads_onward,
)
from sluice.domain.outcome import promote
from sluice.domain.rollout import Action, Phase, Rollout
from sluice.domain.target import Cause, TargetState
from tests.builders import AT, EXECUTION, a_rollout, a_signal, a_state

PARKED = {"token": "t-1", "parked_at": AT}


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(None, id="no such target"),
        pytest.param(a_state(), id="nobody holds it"),
        pytest.param(a_state(a_rollout(), epoch=6), id="a newer epoch"),
        pytest.param(a_state(a_rollout(), holder="churn-g2-e5"), id="another holder"),
    ],
)
@pytest.mark.parametrize("onward", [True, False])
def test_a_displaced_holder_intends_nothing(state: TargetState | None, onward: bool) -> None:
    with pytest.raises(DisplacedError):
        intend(state, a_rollout(), "Shift at 10 %", onward=onward)
    with pytest.raises(DisplacedError):
        acted(state, a_rollout(), Act({"v4-e5": 10}), now=AT)


@pytest.mark.parametrize("onward", [True, False])
def test_an_intent_is_written_before_the_act(onward: bool) -> None:
    change = intend(a_state(a_rollout()), a_rollout(), "Shift at 10 %", onward=onward)

    assert change.state == a_state(a_rollout(), intent="Shift at 10 %")


def test_a_signal_stops_what_leads_onward() -> None:
    with pytest.raises(SignalPendingError, match="alarm errors"):
        intend(a_state(a_rollout(), signal=a_signal()), a_rollout(), "Shift", onward=True)


def test_a_signal_does_not_stop_the_way_back() -> None:
    state = a_state(a_rollout(), signal=a_signal())

    change = intend(state, a_rollout(), "RollBack", onward=False)

    assert (change.state.intent, change.state.signal) == ("RollBack", a_signal())


def test_a_shift_is_remembered_and_settles_the_intent() -> None:
    state = a_state(a_rollout(), intent="Shift at 10 %")

    change = acted(state, a_rollout(), Act({"v3-e3": 90, "v4-e5": 10}), now=AT)

    assert change.state.intent == ""
    assert [(event.event, event.reason) for event in change.events] == [
        ("Shifted", "v3-e3 90 %, v4-e5 10 %")
    ]


def test_a_refusal_is_remembered_and_settles_the_intent() -> None:
    state = a_state(a_rollout(action=Action.UPDATE), intent="Update to both")

    change = acted(state, a_rollout(action=Action.UPDATE), Act(refused="no quota"), now=AT)

    assert change.state.intent == ""
    assert [(one.event, one.reason) for one in change.events] == [("Refused", "Update: no quota")]


@pytest.mark.parametrize(
    ("rollout", "onward"),
    [
        pytest.param(a_rollout(action=Action.CREATE), True, id="create"),
        pytest.param(a_rollout(action=Action.UPDATE), True, id="update"),
        pytest.param(a_rollout(action=Action.SHIFT), True, id="shift"),
        pytest.param(a_rollout(action=Action.ROLL_BACK), False, id="the way back"),
        pytest.param(
            a_rollout(action=Action.SETTLE, promoted=True), True, id="drop what stands by"
        ),
        pytest.param(
            a_rollout(action=Action.SETTLE, taken_back=True), False, id="drop what went back"
        ),
        pytest.param(a_rollout(action=Action.RELEASE), False, id="confirm the weights"),
    ],
)
def test_what_a_signal_stops(rollout: Rollout, onward: bool) -> None:
    assert leads_onward(rollout) is onward


@pytest.mark.parametrize(
    ("state", "wakes"),
    [
        pytest.param(a_state(a_rollout(), signal=a_signal(), **PARKED), True, id="parked"),
        pytest.param(a_state(a_rollout(), signal=a_signal()), False, id="at work, not parked"),
        pytest.param(a_state(a_rollout(), **PARKED), False, id="no signal"),
        pytest.param(a_state(signal=a_signal(), **PARKED), False, id="nobody holds the target"),
        pytest.param(
            a_state(a_rollout(), signal=a_signal(), phase=Phase.SETTLING, **PARKED),
            False,
            id="the endpoint settles: nothing is left to take back",
        ),
    ],
)
def test_who_is_woken_by_a_signal(state: TargetState, wakes: bool) -> None:
    assert (heard(state) is not None) is wakes


@pytest.mark.parametrize("blames", [True, False])
def test_the_woken_holder_goes_back_with_the_reason(blames: bool) -> None:
    answer = heard(a_state(a_rollout(), signal=a_signal(blames=blames), **PARKED))

    assert answer
    assert (answer.action, answer.blames) == (Action.ROLL_BACK, blames)
    assert answer.reason == a_signal().reason


def test_the_ledger_knows_of_a_promotion_whose_reply_was_lost() -> None:
    rollout = a_rollout(position=1)
    change, _ = promote(a_state(rollout), rollout, now=AT)

    assert as_recorded(change.state, rollout).promoted
    assert not as_recorded(a_state(rollout), rollout).promoted
    assert as_recorded(a_state(), rollout) == rollout


def test_a_rejection_signals_like_an_alarm() -> None:
    rejected = a_signal(cause=Cause.REJECTION, blames=False)

    answer = heard(a_state(a_rollout(), signal=rejected, **PARKED))

    assert answer
    assert (answer.id, answer.blames) == (EXECUTION, False)
