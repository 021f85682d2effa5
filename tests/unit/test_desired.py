"""What a target serves next, and where a rollback lands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.desired import next_move, of_interest
from sluice.domain.moves import Halt, Idle, Move
from sluice.domain.returning import candidates
from sluice.domain.rollout import Deployed, Kind, Phase
from sluice.domain.starting import Start
from sluice.domain.target import Cause, Mark, TargetState
from tests.builders import (
    AT,
    STABLE,
    a_release,
    a_release_name,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
    deployed,
)

if TYPE_CHECKING:
    from sluice.domain.release import Release, ReleaseName

OLD = deployed(2, epoch=2)
OLDER = deployed(1, epoch=1)
MARK = Mark(reason="alarm", at=AT)


def approved(*versions: int) -> dict[ReleaseName, Release]:
    """The ledger's records of these versions, which the registry says are Approved."""
    releases = (a_release(f"churn-v{version}") for version in versions)
    return {release.name: release for release in releases}


def move(state: TargetState, *versions: int) -> Move:
    return next_move(state, releases=approved(*versions), now=AT)


def started(state: TargetState, *versions: int) -> Start:
    found = move(state, *versions)
    assert isinstance(found, Start)
    return found


@pytest.mark.parametrize(
    ("state", "versions", "reason"),
    [
        pytest.param(a_state(), (3,), "no approval is waiting", id="nothing wanted"),
        pytest.param(
            a_state(a_rollout(), wanted=a_wanted(5)), (3, 5), "holds the target", id="held"
        ),
        pytest.param(
            a_state(a_rollout(), rollback_owed=a_signal(3)),
            (2, 3),
            "holds the target",
            id="held, though a rollback is owed",
        ),
        pytest.param(
            a_state(wanted=a_wanted(4)), (3,), "no longer approved", id="wanted, then rejected"
        ),
        pytest.param(
            a_state(wanted=a_wanted(3)), (3,), "live already", id="what is wanted serves already"
        ),
        pytest.param(
            a_state(phase=Phase.HALTED, rollback_owed=a_signal(3), last_good=(STABLE, OLD)),
            (2, 3),
            "no approval is waiting",
            id="halted: no further rollback by itself",
        ),
        pytest.param(
            a_state(phase=Phase.HALTED), (), "no approval is waiting", id="halted and not approved"
        ),
        pytest.param(
            a_state(rollback_owed=a_signal(4), last_good=(STABLE, OLD)),
            (2, 3),
            "no approval is waiting",
            id="a rollback owed for what no longer serves",
        ),
    ],
)
def test_nothing_is_started(state: TargetState, versions: tuple[int, ...], reason: str) -> None:
    found = move(state, *versions)

    assert isinstance(found, Idle)
    assert reason in found.reason


def test_an_approval_of_what_serves_already_is_consumed() -> None:
    found = move(a_state(wanted=a_wanted(3)), 3)

    assert isinstance(found, Idle)
    assert found.change
    assert found.change.state.wanted is None
    assert [event.event for event in found.change.events] == ["ApprovalConsumed"]


def test_whoever_approves_what_serves_a_halted_target_releases_it() -> None:
    found = move(a_state(wanted=a_wanted(3), phase=Phase.HALTED, rollback_owed=a_signal(3)), 3)

    assert isinstance(found, Idle)
    assert found.change
    assert (found.change.state.phase, found.change.state.rollback_owed) == (Phase.IDLE, None)


def test_the_first_approval_is_deployed_all_at_once() -> None:
    start = started(a_state(live=None, last_good=(), wanted=a_wanted(4)), 4)

    assert (start.rollout.kind, start.rollout.stable) == (Kind.ALL_AT_ONCE, None)


def test_the_next_approval_is_a_canary_beside_what_serves() -> None:
    start = started(a_state(wanted=a_wanted(4)), 3, 4)

    assert (start.rollout.kind, start.rollout.stable) == (Kind.CANARY, STABLE)
    assert (start.rollout.release.variant, start.rollout.approval_seq) == ("v4-e5", 2)


def test_starting_takes_the_lease_in_a_new_epoch() -> None:
    state = a_state(wanted=a_wanted(4), token="old", intent="old", signal=a_signal(2))

    start = started(state, 3, 4)

    held = start.change.state
    assert (held.epoch, held.holder, held.phase) == (5, "churn-g1-e5", Phase.STARTING)
    assert (held.rollout, held.token, held.intent, held.signal) == (start.rollout, "", "", None)
    assert held.wanted == a_wanted(4), "an approval is consumed by the outcome, not by the start"


@pytest.mark.parametrize(
    ("state", "versions", "lands"),
    [
        pytest.param(
            a_state(rollback_owed=a_signal(3), last_good=(STABLE, OLD, OLDER)),
            (1, 2, 3),
            OLD,
            id="the newest that served well before",
        ),
        pytest.param(
            a_state(rollback_owed=a_signal(3), last_good=(STABLE, OLD, OLDER)),
            (1, 3, 4),
            OLDER,
            id="not one that is no longer approved",
        ),
        pytest.param(
            a_state(
                rollback_owed=a_signal(3),
                last_good=(STABLE, OLD, OLDER),
                bad={"churn-v2": MARK},
            ),
            (1, 2, 3),
            OLDER,
            id="not one marked bad",
        ),
        pytest.param(
            a_state(
                rollback_owed=a_signal(3),
                last_good=(STABLE, OLD, OLDER),
                suspect={"churn-v2": MARK},
            ),
            (1, 2, 3),
            OLDER,
            id="not one under suspicion",
        ),
        pytest.param(
            a_state(rollback_owed=a_signal(3), last_good=(OLD,), wanted=a_wanted(4)),
            (2, 3, 4),
            OLD,
            id="before what is wanted next",
        ),
        pytest.param(
            a_state(last_good=(STABLE, OLD)), (2,), OLD, id="live was rejected, nobody told us"
        ),
    ],
)
def test_a_rollback_lands_on_what_served_well(
    state: TargetState, versions: tuple[int, ...], lands: Deployed
) -> None:
    start = started(state, *versions)

    assert start.rollout.kind is Kind.ROLL_BACK
    assert start.rollout.release.release == lands.release
    assert (start.rollout.replaced, start.rollout.stable) == (STABLE, None)
    assert start.rollout.approval_seq == 0


def test_a_rollback_goes_on_with_what_it_has_not_tried_yet() -> None:
    tried = a_signal(3).model_copy(update={"tried": (OLD.release,)})
    state = a_state(last_good=(STABLE, OLD, OLDER))

    first = started(state.model_copy(update={"rollback_owed": a_signal(3)}), 1, 2, 3)
    second = started(state.model_copy(update={"rollback_owed": tried}), 1, 2, 3)

    assert (first.rollout.release.release, first.rollout.others) == (OLD.release, True)
    assert first.change.state.rollback_owed == a_signal(3), "owed until one has taken over"
    assert (second.rollout.release.release, second.rollout.others) == (OLDER.release, False)


def test_what_was_tried_in_vain_carries_no_mark_when_it_serves() -> None:
    owed = a_signal(3).model_copy(update={"tried": (OLD.release, STABLE.release)})

    start = started(a_state(rollback_owed=owed, last_good=(STABLE, OLD, OLDER)), 1, 2, 3)

    assert start.change.state.suspect == {}


def test_a_target_halts_with_the_names_of_what_was_tried() -> None:
    owed = a_signal(3).model_copy(update={"tried": (OLD.release, OLDER.release)})

    found = move(a_state(rollback_owed=owed, last_good=(STABLE, OLD, OLDER)), 1, 2, 3)

    assert isinstance(found, Halt)
    assert found.reason == (
        "alarm errors: 0.5; churn-v2, churn-v1 did not come up to take over; no other "
        "release served endpoint/churn well and is still approved"
    )


def test_a_rollback_runs_under_new_names() -> None:
    start = started(a_state(rollback_owed=a_signal(3), last_good=(OLD,)), 2, 3)

    again = start.rollout.release
    assert (again.variant, again.model, again.endpoint_config) == (
        "v2-e5",
        "churn-v2-e5",
        "churn-v2-e5",
    )
    assert (again.digest, again.alarms) == (OLD.digest, ())


@pytest.mark.parametrize(
    ("cause", "suspect"),
    [
        pytest.param(Cause.ALARM, {"churn-v3"}, id="an alarm: suspect, for it served well before"),
        pytest.param(Cause.REJECTION, set(), id="a rejection says all there is to say"),
    ],
)
def test_what_is_rolled_back_from_is_marked(cause: Cause, suspect: set[str]) -> None:
    state = a_state(rollback_owed=a_signal(3, cause=cause), last_good=(OLD,))

    start = started(state, 2, 3)

    assert set(start.change.state.suspect) == suspect
    assert start.change.state.bad == {}


@pytest.mark.parametrize(
    ("state", "versions"),
    [
        pytest.param(
            a_state(rollback_owed=a_signal(3)), (3,), id="nothing but what serves served well"
        ),
        pytest.param(
            a_state(rollback_owed=a_signal(3), last_good=(OLD,), suspect={"churn-v2": MARK}),
            (2, 3, 4),
            id="the only way back is suspect; newer approved versions do not count",
        ),
        pytest.param(
            a_state(rollback_owed=a_signal(3), wanted=a_wanted(4)),
            (3,),
            id="what is wanted is no longer approved",
        ),
        pytest.param(a_state(), (), id="live was rejected and there is no way back"),
    ],
)
def test_with_no_way_back_the_target_halts_and_keeps_serving(
    state: TargetState, versions: tuple[int, ...]
) -> None:
    found = move(state, *versions)

    assert isinstance(found, Halt)
    halted = found.change.state
    assert (halted.phase, halted.live, halted.holder) == (Phase.HALTED, STABLE, "")
    assert halted.rollback_owed is None
    assert [event.event for event in found.change.events] == ["Halted"]


def test_halting_is_done_once() -> None:
    found = move(a_state(rollback_owed=a_signal(3)), 3)
    assert isinstance(found, Halt)

    assert isinstance(move(found.change.state, 3), Idle)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(a_state(phase=Phase.HALTED, wanted=a_wanted(4)), id="halted"),
        pytest.param(
            a_state(rollback_owed=a_signal(3), wanted=a_wanted(4)), id="no way back, but forward"
        ),
    ],
)
def test_a_fix_is_deployed_beside_a_bad_version(state: TargetState) -> None:
    start = started(state, 3, 4)

    assert (start.rollout.kind, start.rollout.release.variant) == (Kind.CANARY, "v4-e5")


def test_the_registry_is_asked_about_everything_that_may_serve() -> None:
    state = a_state(last_good=(STABLE, OLD), wanted=a_wanted(5))

    asked = {str(name) for name in of_interest(state)}

    assert asked == {"churn-v2", "churn-v3", "churn-v5"}


versions = st.integers(1, 6)
marks = st.sets(versions).map(lambda found: {f"churn-v{version}": MARK for version in found})
states = st.builds(
    a_state,
    live=st.one_of(st.none(), versions.map(deployed)),
    last_good=st.lists(versions.map(deployed), max_size=5, unique_by=lambda one: one.variant).map(
        tuple
    ),
    bad=marks,
    suspect=marks,
    wanted=st.one_of(st.none(), versions.map(a_wanted)),
    rollback_owed=st.one_of(st.none(), versions.map(a_signal)),
    phase=st.sampled_from([Phase.IDLE, Phase.HALTED]),
)


@given(states, st.sets(versions))
def test_a_rollback_never_lands_on_anything_bad_suspect_unapproved_or_live(
    state: TargetState, now_approved: set[int]
) -> None:
    names = {a_release_name(f"churn-v{version}") for version in now_approved}

    for good in candidates(state, names):
        assert good.release in names
        assert good in state.last_good
        assert not {str(good.release)} & (state.bad.keys() | state.suspect.keys())
        assert state.live is None or good.release != state.live.release


@given(states, st.sets(versions))
def test_only_what_is_approved_is_ever_started_and_only_from_last_good_or_wanted(
    state: TargetState, now_approved: set[int]
) -> None:
    found = move(state, *now_approved)

    if isinstance(found, Start):
        release = found.rollout.release.release
        assert release.version in now_approved
        wanted = state.wanted.release if state.wanted else None
        assert release == wanted or release in {good.release for good in state.last_good}
        assert found.change.state.live == state.live, "what serves changes with the outcome only"


def test_what_serves_is_put_up_again_when_it_is_approved_after_it_was_edited() -> None:
    state = a_state(edited="ENDPOINT_CHANGED: …", wanted=a_wanted(3), rollback_owed=a_signal(3))

    start = started(state, 3)

    rollout, after = start.rollout, start.change.state
    assert (rollout.kind, rollout.release.release) == (Kind.ROLL_BACK, STABLE.release)
    assert (rollout.replaced, rollout.automatic, rollout.approval_seq) == (STABLE, False, 0)
    assert rollout.release.variant == "v3-e5", "made anew: its old model may be another now"
    assert (after.wanted, after.rollback_owed) == (None, None)
    assert after.edited, "until it serves again"
