"""Which observed approval statuses are news, and what they mean for the target."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.approval import (
    Observation,
    approved_by,
    below_policy,
    is_news,
    new_target,
    observe,
)
from sluice.domain.gates import Gate, GateOutcome, Gates
from sluice.domain.release import ApprovalChange, ApprovalStatus, Release, ReleaseName
from sluice.domain.rollout import Kind
from sluice.domain.target import Cause, Mark, TargetState
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    TARGET,
    a_release,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
    seen,
)

APPROVED, REJECTED, PENDING = (
    ApprovalStatus.APPROVED,
    ApprovalStatus.REJECTED,
    ApprovalStatus.PENDING,
)
BAD = Mark(reason="alarm", at=AT)


def observed(state: TargetState, release: Release, change: ApprovalChange) -> Observation:
    found = observe(state, release, change)
    assert found
    return found


def told(
    state: TargetState, release: Release, changes: list[ApprovalChange]
) -> tuple[TargetState, Release]:
    """State and release after these observations, in this order."""
    for change in changes:
        found = observe(state, release, change)
        if found:
            state, release = found.change.state, found.release
    return state, release


@pytest.mark.parametrize(
    ("release", "change", "news"),
    [
        pytest.param(a_release(), seen(APPROVED), True, id="the first approval"),
        pytest.param(a_release(), seen(PENDING), False, id="still pending"),
        pytest.param(
            a_release(approval=APPROVED, approvals=(seen(APPROVED),)),
            seen(APPROVED),
            False,
            id="told twice",
        ),
        pytest.param(
            a_release(approval=APPROVED, approvals=(seen(APPROVED),)),
            seen(APPROVED, modified=9),
            False,
            id="approved still, something else was modified",
        ),
        pytest.param(
            a_release(approval=APPROVED, approvals=(seen(APPROVED, modified=5),)),
            seen(REJECTED, modified=9),
            True,
            id="rejected later",
        ),
        pytest.param(
            a_release(approval=APPROVED, approvals=(seen(APPROVED, modified=5),)),
            seen(REJECTED, modified=4),
            False,
            id="rejected earlier, told late",
        ),
    ],
)
def test_only_a_later_transition_is_news(
    release: Release, change: ApprovalChange, news: bool
) -> None:
    assert (observe(a_state(), release, change) is not None) is news


def test_an_approval_is_what_the_target_wants_next() -> None:
    found = observed(a_state(), a_release(), seen(APPROVED))

    state = found.change.state
    assert state.wanted
    assert (state.wanted.release, state.wanted.seq) == (CANARY.release, 3)
    assert (state.approval_seq, found.release.approval) == (3, APPROVED)
    assert [event.event for event in found.change.events] == ["Approved"]


def test_a_newer_approval_supersedes_one_that_has_not_begun() -> None:
    found = observed(a_state(wanted=a_wanted(4)), a_release("churn-v5"), seen(APPROVED))

    assert found.change.state.wanted
    assert found.change.state.wanted.release.version == 5
    superseded = found.change.events[-1]
    assert (superseded.event, str(superseded.release)) == ("Superseded", "churn-v4")


@pytest.mark.parametrize(
    ("version", "modified", "wanted"),
    [
        pytest.param(3, -60, None, id="an older approval of an older version, heard of late"),
        pytest.param(3, 60, 3, id="a later approval of an older version: going back on purpose"),
        pytest.param(5, -60, 5, id="a higher version counts as newer: edits move its time"),
    ],
)
def test_the_newest_approval_wins_however_late_another_is_heard_of(
    version: int, modified: float, wanted: int | None
) -> None:
    consumed = a_state(wanted=None, approved=a_wanted(4))

    found = observed(consumed, a_release(f"churn-v{version}"), seen(APPROVED, modified=modified))

    state = found.change.state
    assert (state.wanted.release.version if state.wanted else None) == wanted
    assert found.release.approval is APPROVED
    assert found.change.events[0].event == ("Approved" if wanted else "Superseded")


OURS = "arn:aws:sts::123456789012:assumed-role/settle/settle"
CONFIRMED = BAD.model_copy(update={"rejected_at": AT, "rejected_by": OURS})


def test_an_approval_by_a_person_lifts_the_mark_of_that_release_alone() -> None:
    state = a_state(bad={"churn-v4": CONFIRMED, "churn-v2": CONFIRMED})

    found = observed(state, a_release(approval=REJECTED), seen(APPROVED, modified=60))

    assert found.change.state.bad == {"churn-v2": CONFIRMED}
    assert found.change.state.wanted


@pytest.mark.parametrize(
    ("mark", "seconds", "actor", "why"),
    [
        pytest.param(BAD, 60, "alice", "not yet Rejected", id="our Rejected was never confirmed"),
        pytest.param(CONFIRMED, 0, "alice", "older than", id="approved before it was Rejected"),
        pytest.param(CONFIRMED, 60, OURS, "nobody but us", id="approved by our own role"),
    ],
)
def test_a_bad_mark_is_lifted_by_nothing_less_than_a_persons_later_approval(
    mark: Mark, seconds: float, actor: str, why: str
) -> None:
    state = a_state(bad={"churn-v4": mark})

    found = observed(
        state, a_release(approval=REJECTED), seen(APPROVED, modified=seconds, actor=actor)
    )

    assert found.change.state == state
    assert [one.event for one in found.change.events] == ["StillBad"]
    assert why in found.change.events[0].reason
    assert found.release.approval is APPROVED


def test_a_rejection_that_is_observed_confirms_the_mark() -> None:
    found = observed(a_state(bad={"churn-v4": BAD}), a_release(approval=APPROVED), seen(REJECTED))

    assert found.change.state.bad["churn-v4"].rejected_at == AT


def test_a_target_of_another_group_is_refused() -> None:
    found = observed(a_state(), a_release("fraud-v1"), seen(APPROVED))

    assert found.refusal.startswith("TARGET_NOT_OWNED")
    assert found.change.state == a_state()
    assert found.release.approval is APPROVED


def test_the_first_approval_binds_the_target() -> None:
    found = observed(new_target(TARGET), a_release(), seen(APPROVED))

    assert (found.refusal, found.change.state.owner) == ("", "churn")


def test_a_rejection_binds_nothing() -> None:
    hijacked = observed(new_target(TARGET), a_release("fraud-v1"), seen(REJECTED)).change.state

    found = observed(hijacked, a_release(), seen(APPROVED))

    assert (found.refusal, found.change.state.owner) == ("", "churn")


@pytest.mark.parametrize(
    ("state", "signalled", "owed"),
    [
        pytest.param(a_state(a_rollout()), True, False, id="of the canary"),
        pytest.param(
            a_state(a_rollout(promoted=True), live=CANARY),
            True,
            False,
            id="of what was promoted, while the old variant stands by",
        ),
        pytest.param(
            a_state(a_rollout(taken_back=True)), False, False, id="of what was taken back already"
        ),
        pytest.param(a_state(live=CANARY), False, True, id="of what is live"),
        pytest.param(a_state(), False, False, id="of what serves nobody"),
    ],
)
def test_a_rejection_reaches_who_must_act(state: TargetState, signalled: bool, owed: bool) -> None:
    after = observed(state, a_release(approval=APPROVED), seen(REJECTED)).change.state

    assert (after.signal is not None, after.rollback_owed is not None) == (signalled, owed)
    causes = {one.cause for one in (after.signal, after.rollback_owed) if one}
    assert causes <= {Cause.REJECTION}


def test_a_rejection_does_not_blame() -> None:
    after = observed(a_state(a_rollout()), a_release(), seen(REJECTED)).change.state

    assert after.signal
    assert after.signal.blames is False


def test_a_rejection_does_not_take_the_place_of_a_rollback_that_an_alarm_calls_for() -> None:
    owed = a_signal(cause=Cause.ALARM)
    once = a_release(approval=APPROVED, approvals=(seen(APPROVED, modified=10),))
    changes = [seen(REJECTED, modified=20), seen(APPROVED, modified=30)]

    state, _ = told(a_state(live=CANARY, wanted=None, rollback_owed=owed), once, changes)

    assert state.rollback_owed == owed


def test_a_rejection_does_not_displace_the_signal_of_an_alarm() -> None:
    state = a_state(a_rollout(), signal=a_signal())

    after = observed(state, a_release(), seen(REJECTED)).change.state

    assert after.signal == a_signal()


def test_a_rejection_is_heard_after_a_newer_approval_that_ends_a_held_canary() -> None:
    superseded = a_signal(cause=Cause.SUPERSEDED, blames=False)
    state = a_state(a_rollout(), signal=superseded)

    after = observed(state, a_release(), seen(REJECTED)).change.state

    assert after.signal
    assert after.signal.cause is Cause.REJECTION


def test_a_rejection_before_the_rollout_began_withdraws_the_approval() -> None:
    state = a_state(wanted=a_wanted(4))

    assert observed(state, a_release(approval=APPROVED), seen(REJECTED)).change.state.wanted is None


def test_a_rejection_of_another_release_withdraws_nothing() -> None:
    state = a_state(wanted=a_wanted(5))

    after = observed(state, a_release(approval=APPROVED), seen(REJECTED)).change.state

    assert after.wanted == a_wanted(5)


def test_a_rejection_taken_back_before_anybody_acted_leaves_nothing_owed() -> None:
    live, release = a_state(live=CANARY), a_release(approval=APPROVED)

    after, _ = told(live, release, [seen(REJECTED, modified=1), seen(APPROVED, modified=2)])

    assert after.rollback_owed is None


def test_an_approval_does_not_excuse_an_alarm() -> None:
    state = a_state(live=CANARY, rollback_owed=a_signal(cause=Cause.ALARM))

    after = observed(state, a_release(approval=REJECTED), seen(APPROVED)).change.state

    assert after.rollback_owed == a_signal(cause=Cause.ALARM)


def where_it_ends(changes: list[ApprovalChange]) -> tuple[object, ...]:
    """What stands once the schedule has looked at the truth, too, which is the last change made."""
    truth = max(changes, key=lambda change: change.last_modified)
    state, release = told(a_state(), a_release(), [*changes, truth])
    return release.approval, state.wanted.release if state.wanted else None


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        pytest.param((APPROVED, REJECTED), None, id="approved then rejected"),
        pytest.param((REJECTED, APPROVED), CANARY.release, id="rejected then approved"),
        pytest.param((APPROVED, REJECTED, APPROVED), CANARY.release, id="flip"),
        pytest.param((APPROVED, PENDING, REJECTED), None, id="by way of pending"),
    ],
)
def test_the_order_in_which_events_arrive_does_not_matter(
    statuses: tuple[ApprovalStatus, ...], wanted: ReleaseName | None
) -> None:
    changes = [seen(status, modified=10 * n) for n, status in enumerate(statuses)]

    ends = {where_it_ends(list(order)) for order in permutations(changes)}

    assert ends == {(statuses[-1], wanted)}


decisions = st.lists(st.sampled_from([APPROVED, REJECTED, PENDING]), min_size=1, max_size=5)


@given(st.data(), decisions)
def test_repeated_lost_and_permuted_events_end_where_the_events_in_order_do(
    data: st.DataObject, statuses: list[ApprovalStatus]
) -> None:
    changes = [seen(status, modified=10 * n) for n, status in enumerate(statuses)]
    delivered = data.draw(st.lists(st.sampled_from(changes), max_size=8))

    approval, wanted = where_it_ends([*delivered, changes[-1]])

    assert approval is statuses[-1]
    if approval is not PENDING:
        assert wanted == where_it_ends(changes)[1]


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_is_written_for_a_change_that_is_no_news(kind: Kind) -> None:
    release = a_release(approval=APPROVED, approvals=(seen(APPROVED),))

    assert observe(a_state(a_rollout(kind), live=STABLE), release, seen(APPROVED)) is None


MISSED = tuple(f"m{number} is absent, at_least demands 1" for number in range(1, 6))


def test_the_rejection_by_the_policy_is_no_news_and_a_persons_approval_of_it_is() -> None:
    missed = Gate(name="f1 at_least", wanted=1, outcome=GateOutcome.MISSED, detail=MISSED[0])
    gates = Gates(policy="5" * 64, section="default", judged=(missed,))
    release = below_policy(a_release(missed=MISSED), gates, created=AT, at=AT)

    assert release.approvals[-1].actor == f"sluice/evaluation-policy/{'5' * 12}"
    assert not is_news(release, seen(REJECTED, modified=1))
    assert is_news(release, seen(APPROVED, modified=1))


def test_an_approval_against_missed_gates_says_so_and_needs_nothing_else() -> None:
    release = a_release(approval=REJECTED, approvals=(seen(REJECTED),), missed=MISSED[:2])

    found = observed(a_state(), release, seen(APPROVED, modified=9))

    assert found.change.state.wanted
    assert [event.reason for event in found.change.events] == [
        f"approved by alice, against the evaluation policy: {MISSED[0]}; {MISSED[1]}"
    ]


def test_of_many_missed_gates_the_history_names_three() -> None:
    release = a_release(approval=REJECTED, missed=MISSED)

    said = approved_by(release, seen(APPROVED))

    assert said.endswith(f"{MISSED[0]}; {MISSED[1]}; {MISSED[2]}; and 2 more")
