"""An approval taken back and given again before anybody looked: only an event tells of it."""

from __future__ import annotations

import pytest

from sluice.domain.approval import observe
from sluice.domain.release import ApprovalChange, ApprovalStatus
from sluice.domain.target import Cause, Mark
from tests.builders import AT, CANARY, a_release, a_rollout, a_signal, a_state, seen

APPROVED, REJECTED, PENDING = (
    ApprovalStatus.APPROVED,
    ApprovalStatus.REJECTED,
    ApprovalStatus.PENDING,
)
ONCE = a_release(approval=APPROVED, approvals=(seen(APPROVED, modified=10),))
TOLD = seen(REJECTED, modified=20, actor="unknown")
AGAIN = seen(APPROVED, modified=30, actor="bob")


def test_a_rejection_told_of_lies_between_two_approvals() -> None:
    found = observe(a_state(wanted=None), ONCE, AGAIN, told=TOLD)

    assert found
    assert [(one.event, one.reason) for one in found.change.events] == [
        ("Rejected", "rejected by unknown"),
        ("Approved", "approved by bob"),
    ]
    assert [one.status for one in found.release.approvals] == [APPROVED, REJECTED, APPROVED]
    assert found.change.state.wanted
    assert found.change.state.rollback_owed is None


@pytest.mark.parametrize("status", [REJECTED, PENDING])
def test_a_rollback_that_an_alarm_calls_for_outlasts_an_approval_taken_back_for_a_moment(
    status: ApprovalStatus,
) -> None:
    state = a_state(live=CANARY, wanted=None, rollback_owed=a_signal(cause=Cause.ALARM))

    found = observe(state, ONCE, AGAIN, told=TOLD.model_copy(update={"status": status}))

    assert found
    assert found.change.state.rollback_owed == a_signal(cause=Cause.ALARM)


def test_a_canary_that_was_rejected_for_a_moment_ends_and_is_wanted_again() -> None:
    found = observe(a_state(a_rollout(), wanted=None), ONCE, AGAIN, told=TOLD)

    assert found
    signal, wanted = found.change.state.signal, found.change.state.wanted
    assert signal
    assert (signal.cause, signal.release) == (Cause.REJECTION, ONCE.name)
    assert wanted
    assert wanted.release == ONCE.name


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(seen(REJECTED, modified=10), id="before what is recorded"),
        pytest.param(seen(REJECTED, modified=31), id="after what is seen"),
        pytest.param(None, id="no event tells of one"),
    ],
)
def test_a_rejection_of_another_time_says_nothing(told: ApprovalChange | None) -> None:
    assert observe(a_state(), ONCE, AGAIN, told=told) is None


@pytest.mark.parametrize("now", [REJECTED, PENDING])
def test_what_is_not_approved_now_is_taken_as_it_is(now: ApprovalStatus) -> None:
    change = seen(now, modified=30)
    plain = observe(a_state(), ONCE, change)

    assert plain
    assert observe(a_state(), ONCE, change, told=TOLD) == plain


def test_a_rejection_only_told_of_lifts_no_mark() -> None:
    """It may be older than the mark; only what the registry said itself confirms one."""
    bad = {"churn-v4": Mark(reason="alarm", at=AT)}

    found = observe(a_state(bad=bad, wanted=None), ONCE, AGAIN, told=TOLD)

    assert found
    assert [one.event for one in found.change.events] == ["Rejected", "StillBad"]
    assert found.change.state.bad == bad
    assert found.change.state.wanted is None
