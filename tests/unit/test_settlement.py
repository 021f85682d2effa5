"""How a lease ends, and what stays on the endpoint."""

from __future__ import annotations

import pytest

from sluice.domain.rollout import Action, Deployed, Kind, Outcome, Phase, Rollout
from sluice.domain.settlement import REMEMBERED, leftover, release_target, retired, survivor
from sluice.domain.target import Mark, TargetState
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    a_rollout,
    a_signal,
    a_state,
    deployed,
)

OLD = deployed(2, epoch=2)
BLAMED = a_rollout(position=0, blames=True, reason="alarm errors")
PROMOTED = a_rollout(position=1, promoted=True, outcome=Outcome.PROMOTED)


# The lease.


def test_release_ends_the_lease_and_leaves_the_epoch() -> None:
    state = a_state(PROMOTED, live=CANARY, token="t", parked_at=AT, intent="Shift")

    change = release_target(state, PROMOTED, now=AT)

    assert change
    free = change.state
    assert (free.holder, free.rollout, free.token, free.parked_at) == ("", None, "", None)
    assert (free.intent, free.phase, free.epoch) == ("", Phase.IDLE, 5)


def test_a_halted_rollout_leaves_its_target_halted() -> None:
    rollout = a_rollout(Kind.ROLL_BACK, outcome=Outcome.HALTED, taken_back=True)

    change = release_target(a_state(rollout), rollout, now=AT)

    assert change
    assert change.state.phase is Phase.HALTED


@pytest.mark.parametrize(
    ("rollout", "last_good"),
    [
        pytest.param(
            PROMOTED.model_copy(update={"proven": True}), (CANARY, STABLE), id="its whole rollout"
        ),
        pytest.param(PROMOTED, (STABLE,), id="promoted, but not proven"),
        pytest.param(
            PROMOTED.model_copy(update={"proven": True, "taken_back": True}),
            (STABLE,),
            id="proven, then taken back",
        ),
    ],
)
def test_what_counts_as_having_served_well(
    rollout: Rollout, last_good: tuple[Deployed, ...]
) -> None:
    change = release_target(a_state(rollout, live=CANARY), rollout, now=AT)

    assert change
    assert change.state.last_good == last_good


def test_a_release_that_proves_itself_again_moves_to_the_front_under_its_new_names() -> None:
    again = deployed(4, epoch=1)
    rollout = PROMOTED.model_copy(update={"proven": True})

    change = release_target(a_state(rollout, last_good=(STABLE, again)), rollout, now=AT)

    assert change
    assert change.state.last_good == (CANARY, STABLE)


def test_only_the_newest_last_good_are_remembered() -> None:
    many = tuple(deployed(version, epoch=1) for version in range(10, 10 + REMEMBERED))
    rollout = PROMOTED.model_copy(update={"proven": True})

    change = release_target(a_state(rollout, last_good=many), rollout, now=AT)

    assert change
    assert change.state.last_good == (CANARY, *many[:-1])


@pytest.mark.parametrize(
    ("state", "owed"),
    [
        pytest.param(
            a_state(PROMOTED, live=CANARY, signal=a_signal(4)),
            a_signal(4),
            id="a signal that came while the endpoint settled is owed",
        ),
        pytest.param(
            a_state(PROMOTED, live=STABLE, signal=a_signal(4)),
            None,
            id="not for what does not serve",
        ),
        pytest.param(
            a_state(PROMOTED, rollback_owed=a_signal(3)), a_signal(3), id="what was owed stays owed"
        ),
    ],
)
def test_no_signal_is_lost_with_the_lease(state: TargetState, owed: object) -> None:
    change = release_target(state, PROMOTED, now=AT)

    assert change
    assert (change.state.signal, change.state.rollback_owed) == (None, owed)


def test_a_release_that_served_well_again_is_no_suspect_any_more() -> None:
    marked = {
        str(CANARY.release): Mark(reason="an outage", at=AT),
        "churn-v1": Mark(reason="", at=AT),
    }
    proven = a_rollout(promoted=True, proven=True, action=Action.RELEASE)

    change = release_target(a_state(proven, suspect=marked), proven, now=AT)

    assert change
    assert set(change.state.suspect) == {"churn-v1"}


# What stays and what goes.


@pytest.mark.parametrize(
    ("rollout", "gone", "staying", "unwatched"),
    [
        pytest.param(PROMOTED, STABLE, CANARY, STABLE, id="a promoted canary"),
        pytest.param(a_rollout(taken_back=True), CANARY, STABLE, CANARY, id="a canary taken back"),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE, promoted=True), None, CANARY, None, id="a first deployment"
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK, promoted=True), None, CANARY, STABLE, id="a rollback"
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK, taken_back=True), None, None, CANARY, id="a failed rollback"
        ),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE, taken_back=True),
            *(None, None, CANARY),
            id="a failed first deployment",
        ),
    ],
)
def test_what_goes_and_what_stays(
    rollout: Rollout,
    gone: Deployed | None,
    staying: Deployed | None,
    unwatched: Deployed | None,
) -> None:
    assert (leftover(rollout), survivor(rollout), retired(rollout)) == (gone, staying, unwatched)


UNPROVEN = "it served without data, or with an alarm that was not OK"


@pytest.mark.parametrize(
    ("proven", "said"),
    [(True, "Promoted"), (False, f"Promoted, and no rollback lands on it: {UNPROVEN}")],
)
def test_what_no_rollback_may_land_on_is_said_when_it_settles(said: str, *, proven: bool) -> None:
    done = a_rollout(outcome=Outcome.PROMOTED, promoted=True, proven=proven)

    change = release_target(a_state(done), done, now=AT)

    assert change
    assert [(one.event, one.reason) for one in change.events] == [("Settled", said)]


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        pytest.param({"proven": True}, (), (CANARY, STABLE), id="both"),
        pytest.param({}, (OLD,), (STABLE, OLD), id="the canary is not proven"),
        pytest.param(
            {"proven": True, "taken_back": True}, (OLD,), (STABLE, OLD), id="it was taken back"
        ),
        pytest.param({"proven": True}, (OLD, STABLE), (CANARY, OLD, STABLE), id="known before"),
    ],
)
def test_a_stable_that_was_seen_to_serve_well_may_be_gone_back_to(
    changes: dict[str, bool], before: tuple[Deployed, ...], after: tuple[Deployed, ...]
) -> None:
    done = PROMOTED.model_copy(update={"stable_served": True, **changes})

    change = release_target(a_state(done, last_good=before), done, now=AT)

    assert change
    assert change.state.last_good == after


@pytest.mark.parametrize("marks", ["bad", "suspect"])
def test_a_stable_that_something_was_said_against_is_not(marks: str) -> None:
    done = PROMOTED.model_copy(update={"stable_served": True})
    mark = {str(STABLE.release): Mark(reason="alarm", at=AT)}

    change = release_target(a_state(done, last_good=(), **{marks: mark}), done, now=AT)

    assert change
    assert change.state.last_good == ()
