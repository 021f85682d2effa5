"""A newer approval waits for the end of a rollout, unless that one is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.approval import observe
from sluice.domain.lease import heard
from sluice.domain.outcome import take_back
from sluice.domain.release import ApprovalChange, ApprovalStatus
from sluice.domain.rollout import Action, Outcome, Phase, Rollout
from sluice.domain.superseding import superseding
from sluice.domain.target import Cause
from sluice.domain.watching import look
from tests.builders import (
    AT,
    a_release,
    a_rollout,
    a_sight,
    a_signal,
    a_state,
    a_wanted,
    an_endpoint,
)

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

UNDECIDED = a_rollout(position=0, action=Action.HOLD)


def held(rollout: Rollout = UNDECIDED, **changes: object) -> TargetState:
    """Version 4 is held at 10 %."""
    parked = {"token": "t-1", "parked_at": AT, "phase": Phase.HELD}
    return a_state(rollout, **{**parked, **changes})


def approve(state: TargetState, version: int) -> TargetState:
    seen = ApprovalChange(
        status=ApprovalStatus.APPROVED, last_modified=AT, actor="ann", observed_at=AT
    )
    found = observe(state, a_release(f"churn-v{version}"), seen)
    assert found
    return found.change.state


def test_an_approval_ends_a_held_rollout_without_blame() -> None:
    state = approve(held(), 5)

    assert state.signal
    assert (state.signal.cause, state.signal.blames) == (Cause.SUPERSEDED, False)
    answer = heard(state)
    assert answer
    assert answer.action is Action.ROLL_BACK
    change, done = take_back(state, answer, now=AT)
    assert done.outcome is Outcome.SUPERSEDED
    assert (change.state.bad, change.state.signal) == ({}, None)
    assert change.state.wanted
    assert str(change.state.wanted.release) == "churn-v5", "what superseded it comes next"
    assert [(one.event, one.reason) for one in change.events] == [
        ("Superseded", "superseded by churn-v5 while it was held")
    ]


@pytest.mark.parametrize(
    "phase", [phase for phase in Phase if phase not in {Phase.HELD, Phase.IDLE, Phase.HALTED}]
)
def test_an_approval_waits_for_the_end_of_a_rollout_that_is_not_held(phase: Phase) -> None:
    state = approve(held(phase=phase), 5)

    assert state.signal is None
    assert state.wanted


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        pytest.param(held(wanted=a_wanted(5, seq=3)), True, id="it was wanted before the hold"),
        pytest.param(held(wanted=a_wanted(4)), False, id="its own approval"),
        pytest.param(held(wanted=None), False, id="nothing is wanted"),
        pytest.param(
            held(a_rollout(promoted=True), wanted=a_wanted(5, seq=3)), False, id="promoted by now"
        ),
        pytest.param(
            held(a_rollout(taken_back=True), wanted=a_wanted(5, seq=3)), False, id="taken back"
        ),
    ],
)
def test_who_is_superseded(state: TargetState, ends: bool) -> None:
    assert (superseding(state, now=AT) is not None) is ends


def test_a_look_at_what_is_held_ends_it_for_what_was_wanted_before() -> None:
    state = held(wanted=a_wanted(5, seq=3))

    answer = look(state, a_sight(an_endpoint(v3_e3=90, v4_e5=10)), now=AT)

    assert answer
    assert (answer.action, answer.superseded, answer.blames) == (Action.ROLL_BACK, True, False)
    _, done = take_back(state, answer, now=AT)
    assert done.outcome is Outcome.SUPERSEDED


def test_an_alarm_that_was_heard_first_blames_all_the_same() -> None:
    state = approve(held(signal=a_signal()), 5)

    assert state.signal == a_signal()
    answer = heard(state)
    assert answer
    _, done = take_back(state, answer, now=AT)
    assert (done.outcome, done.blames) == (Outcome.ABORTED, True)
