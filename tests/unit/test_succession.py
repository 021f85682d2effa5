"""What becomes of a holder that ended, or whose name was taken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sluice.domain.desired import next_move
from sluice.domain.errors import DisplacedError
from sluice.domain.lease import held
from sluice.domain.moves import Idle
from sluice.domain.outcome import take_back
from sluice.domain.patience import DRAIN, SDK_RETRIES, TASK
from sluice.domain.rollout import Action, Phase, Rollout
from sluice.domain.settlement import release_target
from sluice.domain.starting import Start
from sluice.domain.succession import LEAP, MOST_SUCCESSORS, draining, renew, take_over
from tests.builders import AT, CANARY, EXECUTION, a_release, a_rollout, a_signal, a_state, a_wanted

PARKED = {"token": "t-1", "parked_at": AT}


@pytest.mark.parametrize(
    ("rollout", "action"),
    [
        pytest.param(a_rollout(position=0), Action.ROLL_BACK, id="not promoted: it goes back"),
        pytest.param(a_rollout(promoted=True), Action.PROMOTE, id="promoted: it stands by again"),
        pytest.param(a_rollout(taken_back=True), Action.ROLL_BACK, id="taken back: cleaned up"),
        pytest.param(
            a_rollout(promoted=True, taken_back=True),
            Action.ROLL_BACK,
            id="promoted, then taken back",
        ),
    ],
)
def test_a_successor_only_finishes(rollout: Rollout, action: Action) -> None:
    successor, change = take_over(a_state(rollout, **PARKED), now=AT)

    assert successor
    assert change
    assert (successor.action, successor.id, successor.epoch) == (action, "churn-g1-e6", 6)
    assert successor.release == CANARY, "variants keep the names of the epoch they were made in"
    assert (change.state.epoch, change.state.holder) == (6, successor.id)
    assert (change.state.rollout, change.state.token) == (successor, "")
    assert [event.event for event in change.events] == ["HolderReplaced"]


def test_a_successor_hears_the_signal_its_predecessor_died_with() -> None:
    state = a_state(a_rollout(position=0), signal=a_signal(), **PARKED)

    successor, change = take_over(state, now=AT)

    assert successor
    assert change
    back, done = take_back(change.state, successor, now=AT)
    assert (done.blames, set(back.state.bad)) == (True, {"churn-v4"})


def test_the_predecessor_is_displaced() -> None:
    _, change = take_over(a_state(a_rollout()), now=AT)

    assert change
    with pytest.raises(DisplacedError):
        held(change.state, a_rollout())


def test_nobody_takes_over_a_target_nobody_holds() -> None:
    assert take_over(a_state(), now=AT) == (None, None)


# The drain.


def test_the_drain_outlasts_a_task_its_calls_and_what_sagemaker_has_not_shown_yet() -> None:
    assert timedelta(seconds=4 * (2 + 5) + 1 + 2 + 4) == SDK_RETRIES
    assert TASK + SDK_RETRIES + timedelta(seconds=60) == DRAIN


def test_a_displaced_holders_calls_are_waited_out() -> None:
    _, change = take_over(a_state(a_rollout(position=0), **PARKED), now=AT)

    assert change
    assert (change.state.displaced, change.state.drain_until) == (EXECUTION, AT + DRAIN)
    almost = AT + DRAIN - timedelta(milliseconds=1)
    assert draining(change.state, now=almost).startswith("draining until")
    assert draining(change.state, now=AT + DRAIN) == ""


def test_a_target_nobody_was_displaced_from_does_not_drain() -> None:
    assert draining(a_state(), now=AT) == ""


def test_the_end_of_a_lease_ends_its_drain() -> None:
    state = a_state(a_rollout(), displaced="churn-g1-e4", drain_until=AT)

    change = release_target(state, a_rollout(), now=AT)

    assert change
    assert (change.state.displaced, change.state.drain_until) == ("", None)


# Bounds.


def test_successors_that_all_end_are_given_up_and_a_person_is_called() -> None:
    rollout, state = a_rollout(position=0), a_state(a_rollout(position=0))
    for _ in range(MOST_SUCCESSORS):
        successor, change = take_over(state, now=AT)
        assert successor
        assert change
        rollout, state = successor, change.state
    successor, change = take_over(state, now=AT)

    assert rollout.successions == MOST_SUCCESSORS
    assert successor is None
    assert change
    assert (change.state.holder, change.state.phase) == ("", Phase.HALTED)
    assert [event.event for event in change.events] == ["Halted"]


def test_what_follows_a_holder_that_was_given_up_waits_for_the_drain_too() -> None:
    rollout = a_rollout(position=0, successions=MOST_SUCCESSORS)
    _, change = take_over(a_state(rollout, wanted=a_wanted(5, seq=3)), now=AT)
    assert change
    releases = {one.name: one for one in (a_release("churn-v3"), a_release("churn-v5"))}

    assert isinstance(next_move(change.state, releases=releases, now=AT), Idle)
    later = next_move(change.state, releases=releases, now=AT + DRAIN)
    assert isinstance(later, Start)
    assert later.change.state.drain_until is None


# A ledger that was restored.


def test_a_taken_name_begins_a_new_generation_with_names_nobody_has_used() -> None:
    state = a_state(a_rollout(), wanted=a_wanted())

    successor, change = renew(state, now=AT)

    assert successor is None, "it has not begun: it is decided anew"
    assert change
    assert (change.state.generation, change.state.epoch) == (2, 5 + LEAP)
    assert (change.state.holder, change.state.wanted) == ("", a_wanted())
    assert (change.state.displaced, change.state.drain_until) == (EXECUTION, AT + DRAIN)
    assert [event.event for event in change.events] == ["GenerationRaised"]
    again = next_move(
        change.state,
        releases={one.name: one for one in (a_release("churn-v3"), a_release("churn-v4"))},
        now=AT + DRAIN,
    )
    assert isinstance(again, Start)
    assert again.rollout.id == f"churn-g2-e{6 + LEAP}"
    assert again.rollout.release.variant == f"v4-e{6 + LEAP}"


def test_a_successor_whose_name_is_taken_goes_on_under_another() -> None:
    successor, change = renew(a_state(a_rollout(position=0, successions=1)), now=AT)

    assert successor
    assert change
    assert (successor.id, successor.action) == (f"churn-g2-e{5 + LEAP}", Action.ROLL_BACK)
    assert successor.release == CANARY
    assert change.state.generation == 2


def test_nobody_renews_a_target_nobody_holds() -> None:
    assert renew(a_state(), now=AT) == (None, None)
