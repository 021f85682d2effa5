"""A stand-by variant that could not be dropped is owed: the rollout stays what it came to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sluice.domain.desired import next_move
from sluice.domain.lease import leads_onward
from sluice.domain.moves import Idle
from sluice.domain.retrying import BACK_OFF
from sluice.domain.rollout import Action, Kind, Outcome, Phase, Rollout
from sluice.domain.settlement import release_target, retired
from sluice.domain.starting import Start
from sluice.domain.succession import take_over
from tests.builders import AT, CANARY, a_release, a_rollout, a_state, a_wanted

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

PROMOTED = a_rollout(position=1, promoted=True, outcome=Outcome.PROMOTED, proven=True)
RELEASES = {one.name: one for one in map(a_release, ("churn-v4", "churn-v5"))}


def released(
    state: TargetState, rollout: Rollout = PROMOTED, left: tuple[str, ...] | None = ("v3-e3",)
) -> TargetState:
    change = release_target(state, rollout, left=left, now=AT)
    assert change
    return change.state


def owing() -> TargetState:
    """Version 4 was promoted; version 3 still stands beside it."""
    return released(a_state(PROMOTED, live=CANARY))


def due(state: TargetState) -> Start:
    assert state.settle_owed
    move = next_move(state, releases=RELEASES, now=state.settle_owed.not_before)
    assert isinstance(move, Start)
    return move


def test_a_rollout_whose_drop_failed_stays_promoted_and_owes_it() -> None:
    change = release_target(a_state(PROMOTED, live=CANARY), PROMOTED, left=("v3-e3",), now=AT)

    assert change
    assert [(one.event, one.reason) for one in change.events] == [
        ("SettleOwed", "still on the endpoint: v3-e3"),
        ("Settled", "Promoted"),
    ]
    assert (change.state.live, change.state.last_good[0]) == (CANARY, CANARY)
    assert change.state.settle_owed
    assert change.state.settle_owed.variants == ("v3-e3",)


def test_what_is_owed_is_dropped_when_the_target_is_idle() -> None:
    state = owing()
    early = next_move(state, releases=RELEASES, now=AT + BACK_OFF[0] - timedelta(seconds=1))
    assert isinstance(early, Idle)

    rollout = due(state).rollout

    assert (rollout.kind, rollout.action) == (Kind.SETTLE, Action.SETTLE)
    assert (rollout.release, rollout.settle_config) == (CANARY, CANARY.endpoint_config)
    assert not leads_onward(rollout), "it takes nothing away that could be wanted back"
    assert retired(rollout) is None, "the alarms of what serves stay"


def test_a_settling_changes_nothing_of_what_serves() -> None:
    start = due(owing())

    state = released(start.change.state, start.rollout, left=())

    assert (state.live, state.phase, state.settle_owed) == (CANARY, Phase.IDLE, None)
    assert state.last_good == owing().last_good


def test_it_is_tried_three_times_and_then_left_to_the_next_rollout() -> None:
    state, waits = owing(), []
    for _ in BACK_OFF:
        assert state.settle_owed
        waits.append(state.settle_owed.not_before - AT)
        start = due(state)
        state = released(start.change.state, start.rollout)

    assert waits == list(BACK_OFF)
    later = next_move(state, releases=RELEASES, now=AT + timedelta(days=9))
    assert isinstance(later, Idle)


def test_an_approval_does_not_wait_for_what_is_owed_its_own_update_drops_it() -> None:
    state = owing().model_copy(update={"wanted": a_wanted(5, seq=9)})

    move = next_move(state, releases=RELEASES, now=AT)

    assert isinstance(move, Start)
    assert move.rollout.kind is Kind.CANARY
    assert move.rollout.stable == CANARY


@pytest.mark.parametrize(
    ("left", "owes"),
    [pytest.param((), False, id="dropped"), pytest.param(None, True, id="nobody can say")],
)
def test_what_is_owed_is_forgotten_only_when_it_is_seen_to_be_gone(
    left: tuple[str, ...] | None, owes: bool
) -> None:
    start = due(owing())

    state = released(start.change.state, start.rollout, left=left)

    assert (state.settle_owed is not None) is owes


def test_a_settling_whose_execution_ended_is_finished_by_another() -> None:
    start = due(owing())

    successor, _ = take_over(start.change.state, now=AT)

    assert successor
    assert successor.action is Action.SETTLE
