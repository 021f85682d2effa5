"""Ends that say nothing of the release keep its approval, and are tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sluice.domain.desired import next_move
from sluice.domain.moves import Idle
from sluice.domain.outcome import promote, take_back
from sluice.domain.patience import certain
from sluice.domain.retrying import BACK_OFF, passing
from sluice.domain.rollout import Action, Kind, Outcome, Phase, Rollout, Verdict
from sluice.domain.settlement import release_target
from sluice.domain.starting import Start
from tests.builders import AT, STABLE, a_release, a_rollout, a_signal, a_state, a_wanted, deployed

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

NO_ROOM = (
    "provisioning failed: An error occurred (ResourceLimitExceeded) when calling UpdateEndpoint"
)
OLD = deployed(2, epoch=2)
RELEASES = {one.name: one for one in map(a_release, ("churn-v2", "churn-v3", "churn-v4"))}


def refused(**changes: object) -> Rollout:
    return a_rollout(action=Action.ROLL_BACK, reason=NO_ROOM).model_copy(update=changes)


def ended(rollout: Rollout, state: TargetState | None = None) -> tuple[TargetState, Rollout]:
    """The target after the rollout was taken back and released."""
    change, done = take_back(state or a_state(rollout, wanted=a_wanted(seq=2)), rollout, now=AT)
    released = release_target(change.state, done, now=AT)
    assert released
    return released.state, done


@pytest.mark.parametrize(
    ("reason", "may"),
    [
        (NO_ROOM, True),
        ("Unable to provision … due to InsufficientInstanceCapacity error.", True),
        ("the rollout broke: ClientError An error occurred (ThrottlingException)", True),
        ("provisioning failed: An error occurred (AccessDeniedException)", False),
        ("provisioning failed: The container did not pass its ping health check", False),
    ],
)
def test_what_may_pass_by_itself_is_a_closed_list(reason: str, may: bool) -> None:
    assert passing(reason) is may


def test_a_refusal_for_lack_of_room_keeps_the_approval_and_backs_off() -> None:
    state, done = ended(refused())

    assert (done.outcome, done.blames) == (Outcome.DEFERRED, False)
    assert (state.wanted, state.bad, state.phase) == (a_wanted(seq=2), {}, Phase.IDLE)
    assert state.retry
    assert (state.retry.not_before, state.retry.reason) == (AT + BACK_OFF[0], NO_ROOM)
    early = next_move(state, releases=RELEASES, now=AT + BACK_OFF[0] - timedelta(seconds=1))
    assert isinstance(early, Idle)
    assert NO_ROOM in early.reason
    again = next_move(state, releases=RELEASES, now=AT + BACK_OFF[0])
    assert isinstance(again, Start)
    assert again.rollout.approval_seq == 2


def test_only_a_clock_of_ours_ends_a_back_off() -> None:
    state, _ = ended(refused())
    an_hour_later = AT + timedelta(hours=1)

    hasty = next_move(state, releases=RELEASES, now=an_hour_later, clock=certain(state))

    assert isinstance(hasty, Idle)
    assert isinstance(next_move(state, releases=RELEASES, now=an_hour_later), Start)


def test_history_tells_when_it_is_tried_again() -> None:
    rollout = refused()
    change, _ = take_back(a_state(rollout, wanted=a_wanted()), rollout, now=AT)

    (event,) = change.events
    assert event.event == "Deferred"
    assert event.reason == f"{NO_ROOM}; tried again at 2026-05-03T14:10:00+00:00, for the 1. time"


def test_after_three_tries_it_is_aborted_with_the_reason() -> None:
    state = a_state(refused(), wanted=a_wanted(seq=2))
    waits, outcomes = [], []
    for _ in range(len(BACK_OFF) + 1):
        held = state.model_copy(update={"holder": refused().id, "rollout": refused(), "epoch": 5})
        state, done = ended(refused(), held)
        outcomes.append(done.outcome)
        waits.append(state.retry.not_before - AT if state.retry else None)

    assert waits == [*BACK_OFF, None]
    assert outcomes == [Outcome.DEFERRED] * 3 + [Outcome.ABORTED]
    assert state.wanted is None


def test_a_newer_approval_does_not_wait_for_the_back_off() -> None:
    state, _ = ended(refused(approval_seq=1), a_state(refused(approval_seq=1), wanted=a_wanted()))
    assert state.retry

    assert isinstance(next_move(state, releases=RELEASES, now=AT), Start)


@pytest.mark.parametrize(
    ("rollout", "changes"),
    [
        pytest.param(refused(blames=True), {}, id="a verdict or an alarm blames the release"),
        pytest.param(refused(verdict=Verdict.FAILED), {}, id="it was judged"),
        pytest.param(refused(), {"signal": a_signal(blames=False)}, id="a person rejected it"),
    ],
)
def test_what_was_judged_is_never_tried_again(rollout: Rollout, changes: dict[str, object]) -> None:
    state = a_state(rollout, wanted=a_wanted()).model_copy(update=changes)

    after, done = ended(rollout, state)

    assert done.outcome is Outcome.ABORTED
    assert (after.wanted, after.retry) == (None, None)


def test_a_rollback_that_finds_no_room_is_tried_again_before_anybody_is_called() -> None:
    rollout = a_rollout(Kind.ROLL_BACK, action=Action.ROLL_BACK, reason=NO_ROOM)
    held = a_state(rollout, last_good=(STABLE, OLD), rollback_owed=a_signal(3))

    state, done = ended(rollout, held)

    assert (done.outcome, state.phase) == (Outcome.DEFERRED, Phase.IDLE)
    assert isinstance(next_move(state, releases=RELEASES, now=AT), Idle)
    again = next_move(state, releases=RELEASES, now=AT + BACK_OFF[0])
    assert isinstance(again, Start)
    assert again.rollout.kind is Kind.ROLL_BACK


def test_a_promotion_forgets_what_was_put_off() -> None:
    state, _ = ended(refused())
    held = state.model_copy(update={"holder": a_rollout().id, "rollout": a_rollout()})

    change, _ = promote(held, a_rollout(), now=AT)

    assert change.state.retry is None
