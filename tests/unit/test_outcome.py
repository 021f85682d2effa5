"""What a rollout's end writes: promotion, taking back, the lease's release."""

from __future__ import annotations

import pytest

from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.outcome import promote, take_back
from sluice.domain.rollout import Action, Deployed, Kind, Outcome, Phase, Rollout, Verdict
from sluice.domain.settlement import release_target, retired
from sluice.domain.target import Cause, Signal, TargetState
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
    deployed,
)

OLD = deployed(2, epoch=2)
BLAMED = a_rollout(position=0, blames=True, reason="alarm errors")
PROMOTED = a_rollout(position=1, promoted=True, outcome=Outcome.PROMOTED)
ALONE = PROMOTED.model_copy(update={"landed": True})


# Promotion.


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        pytest.param(Kind.CANARY, Outcome.PROMOTED, id="a canary"),
        pytest.param(Kind.ALL_AT_ONCE, Outcome.PROMOTED, id="a first deployment"),
        pytest.param(Kind.ROLL_BACK, Outcome.ROLLED_BACK, id="a rollback"),
    ],
)
def test_what_is_promoted_is_live(kind: Kind, outcome: Outcome) -> None:
    rollout = a_rollout(kind, reason="served well")

    change, done = promote(a_state(rollout), rollout, now=AT)

    assert (change.state.live, change.state.rollout) == (CANARY, done)
    assert (done.outcome, done.promoted) == (outcome, True)
    assert [(event.event, event.reason) for event in change.events] == [(outcome, "served well")]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        pytest.param(a_wanted(4, seq=2), None, id="its own approval is consumed"),
        pytest.param(a_wanted(5, seq=3), a_wanted(5, seq=3), id="a newer one waits"),
    ],
)
def test_promotion_consumes_its_approval(wanted: object, left: object) -> None:
    change, _ = promote(a_state(a_rollout(), wanted=wanted), a_rollout(), now=AT)

    assert change.state.wanted == left


def test_a_rollback_consumes_no_approval() -> None:
    rollout = a_rollout(Kind.ROLL_BACK)

    change, _ = promote(a_state(rollout, wanted=a_wanted(5)), rollout, now=AT)

    assert change.state.wanted == a_wanted(5)
    assert change.state.rolled_back_at == AT


def test_promotion_settles_a_rollback_that_was_owed_for_what_it_replaced() -> None:
    state = a_state(a_rollout(), rollback_owed=a_signal(3))

    change, _ = promote(state, a_rollout(), now=AT)

    assert change.state.rollback_owed is None


def test_promoting_twice_is_promoting_once() -> None:
    change, done = promote(a_state(a_rollout()), a_rollout(), now=AT)

    again, same = promote(change.state, a_rollout(), now=AT)

    assert (again.state, again.events, same) == (change.state, (), done)


def test_nothing_is_promoted_against_a_signal() -> None:
    with pytest.raises(SignalPendingError, match="alarm errors"):
        promote(a_state(a_rollout(), signal=a_signal()), a_rollout(), now=AT)


# Taking back.


@pytest.mark.parametrize(
    ("rollout", "outcome", "live"),
    [
        pytest.param(a_rollout(position=0), Outcome.ABORTED, STABLE, id="a canary"),
        pytest.param(PROMOTED, Outcome.ROLLED_BACK, STABLE, id="a canary that was promoted"),
        pytest.param(a_rollout(Kind.ALL_AT_ONCE), Outcome.ABORTED, None, id="a first deployment"),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE, promoted=True),
            Outcome.HALTED,
            CANARY,
            id="a first deployment that was promoted: nothing to return to",
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK), Outcome.HALTED, STABLE, id="a rollback that failed"
        ),
        pytest.param(
            a_rollout(Kind.ROLL_BACK, promoted=True),
            Outcome.HALTED,
            CANARY,
            id="an alarm after a rollback: the fault is not the version",
        ),
    ],
)
def test_what_is_taken_back(rollout: Rollout, outcome: Outcome, live: Deployed | None) -> None:
    before = STABLE if rollout.stable or rollout.replaced else None
    state = a_state(rollout, live=CANARY if rollout.promoted else before)

    change, done = take_back(state, rollout, now=AT)

    assert (done.outcome, done.taken_back) == (outcome, True)
    assert change.state.live == live


def test_a_promotion_whose_reply_was_lost_is_taken_back_as_one() -> None:
    """The ledger says promoted, the machine never heard of it, then an alarm speaks."""
    rollout = a_rollout(position=1)
    change, _ = promote(a_state(rollout), rollout, now=AT)
    signalled = change.state.model_copy(update={"signal": a_signal()})

    back, done = take_back(signalled, rollout.model_copy(update={"blames": True}), now=AT)

    assert (done.outcome, back.state.live) == (Outcome.ROLLED_BACK, STABLE)


@pytest.mark.parametrize(
    ("rollout", "signal", "owed"),
    [
        pytest.param(ALONE, a_signal(), "alarm errors: 0.5", id="an alarm's signal"),
        pytest.param(
            ALONE,
            a_signal(cause=Cause.REJECTION, blames=False),
            "alarm errors: 0.5",
            id="a rejection",
        ),
        pytest.param(
            ALONE.to(Action.ROLL_BACK, "alarm errors while standing by", verdict=Verdict.FAILED),
            None,
            "alarm errors while standing by",
            id="an alarm that a look found",
        ),
        pytest.param(ALONE, None, None, id="a rollout that broke: nothing speaks against it"),
    ],
)
def test_what_cannot_be_taken_back_any_more_owes_a_rollback(
    rollout: Rollout, signal: Signal | None, owed: str | None
) -> None:
    change, done = take_back(a_state(rollout, live=CANARY, signal=signal), rollout, now=AT)
    again, _ = take_back(change.state, rollout, now=AT)

    assert (done.outcome, done.taken_back) == (Outcome.PROMOTED, False)
    assert (change.state.live, change.state.bad) == (CANARY, {})
    assert (change.state.rollback_owed.reason if change.state.rollback_owed else None) == owed
    assert [one.event for one in change.events] == (["RollbackOwed"] if owed else [])
    assert (again.state, again.events) == (change.state, ()), "twice is once"


@pytest.mark.parametrize(
    ("rollout", "state", "bad"),
    [
        pytest.param(BLAMED, a_state(BLAMED), {"churn-v4"}, id="blamed by a verdict"),
        pytest.param(
            a_rollout(), a_state(a_rollout(), signal=a_signal()), {"churn-v4"}, id="by an alarm"
        ),
        pytest.param(
            a_rollout(),
            a_state(a_rollout(), signal=a_signal(cause=Cause.REJECTION, blames=False)),
            set(),
            id="a rejection is no blame",
        ),
        pytest.param(a_rollout(), a_state(a_rollout()), set(), id="a rollout that broke"),
        pytest.param(
            a_rollout(Kind.ROLL_BACK, blames=True),
            a_state(a_rollout(Kind.ROLL_BACK), signal=a_signal()),
            set(),
            id="never what served well before",
        ),
    ],
)
def test_who_is_marked_bad(rollout: Rollout, state: TargetState, bad: set[str]) -> None:
    change, done = take_back(state, rollout, now=AT)

    assert set(change.state.bad) == bad
    assert done.blames is bool(bad)


ALARMED, REJECTED = a_signal(), a_signal(cause=Cause.REJECTION, blames=False)
TAKING_OVER = a_rollout(Kind.ROLL_BACK, reason="provisioning failed")
LANDED = TAKING_OVER.model_copy(update={"landed": True})


@pytest.mark.parametrize(
    ("rollout", "signal", "outcome", "live"),
    [
        pytest.param(TAKING_OVER, None, Outcome.FAILED, STABLE, id="it did not come up"),
        pytest.param(TAKING_OVER, ALARMED, Outcome.FAILED, STABLE, id="nor without an alarm"),
        pytest.param(
            LANDED.model_copy(update={"verdict": Verdict.FAILED}),
            None,
            Outcome.FAILED,
            CANARY,
            id="its smoke test failed when it had taken over",
        ),
        pytest.param(LANDED, REJECTED, Outcome.FAILED, CANARY, id="rejected as it had taken over"),
        pytest.param(LANDED, ALARMED, Outcome.HALTED, CANARY, id="an alarm on what has taken over"),
        pytest.param(
            LANDED.model_copy(update={"verdict": Verdict.FAILED, "blames": True}),
            None,
            Outcome.HALTED,
            CANARY,
            id="an alarm that a look found",
        ),
        pytest.param(LANDED, None, Outcome.HALTED, CANARY, id="nothing speaks against it"),
        pytest.param(
            TAKING_OVER.model_copy(update={"stuck": "there is no endpoint"}),
            None,
            Outcome.HALTED,
            STABLE,
            id="an endpoint to be mended first",
        ),
    ],
)
def test_a_rollback_that_does_not_come_up_leaves_the_rollback_owed(
    rollout: Rollout, signal: Signal | None, outcome: Outcome, live: Deployed
) -> None:
    owed = a_signal(3).model_copy(update={"tried": (OLD.release,)})
    state = a_state(rollout, signal=signal, rollback_owed=owed)

    change, done = take_back(state, rollout, now=AT)
    released = release_target(change.state, done, now=AT)

    assert (done.outcome, change.state.live) == (outcome, live)
    assert released is not None
    if outcome is Outcome.FAILED:
        still = owed.model_copy(
            update={"release": live.release, "tried": (OLD.release, CANARY.release)}
        )
        assert (released.state.rollback_owed, released.state.phase) == (still, Phase.IDLE)
        assert released.state.rolled_back_at is None, "no alarm is cooling down yet"
    else:
        assert (released.state.rollback_owed, released.state.phase) == (None, Phase.HALTED)


def test_taking_back_hears_the_signal_and_consumes_the_approval() -> None:
    state = a_state(BLAMED, signal=a_signal(), wanted=a_wanted(4, seq=2))

    change, _ = take_back(state, BLAMED, now=AT)

    assert (change.state.signal, change.state.wanted) == (None, None)


def test_an_alarm_that_comes_as_a_superseded_rollout_ends_blames_it_for_what_it_said() -> None:
    ending = a_rollout(position=0, superseded=True, reason="superseded by churn-v5")

    change, done = take_back(a_state(ending, signal=a_signal()), ending, now=AT)

    assert done.outcome is Outcome.ABORTED
    assert change.state.bad["churn-v4"].reason == a_signal().reason


def test_taking_back_twice_is_taking_back_once() -> None:
    change, done = take_back(a_state(BLAMED), BLAMED, now=AT)

    again, same = take_back(change.state, BLAMED, now=AT)

    assert (again.state, again.events, same) == (change.state, (), done)


def test_other_marks_stay() -> None:
    before = a_state(BLAMED, bad={"churn-v1": {"reason": "alarm", "at": AT}})

    change, _ = take_back(before, BLAMED, now=AT)

    assert set(change.state.bad) == {"churn-v1", "churn-v4"}


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(None, id="no such target"),
        pytest.param(a_state(), id="released already"),
        pytest.param(a_state(a_rollout(id="churn-g1-e6", epoch=6)), id="a newer epoch"),
        pytest.param(a_state(a_rollout(), holder="churn-g2-e5"), id="another holder"),
    ],
)
def test_a_displaced_rollout_writes_nothing(state: TargetState | None) -> None:
    with pytest.raises(DisplacedError):
        promote(state, a_rollout(), now=AT)
    with pytest.raises(DisplacedError):
        take_back(state, a_rollout(), now=AT)
    assert release_target(state, a_rollout(), now=AT) is None


def test_a_rollback_that_serves_is_live_even_if_an_alarm_ends_it_before_its_promotion() -> None:
    rollout = a_rollout(
        Kind.ROLL_BACK, action=Action.ROLL_BACK, landed=True, automatic=True, replaced=STABLE
    )

    change, done = take_back(a_state(rollout, live=STABLE), rollout, now=AT)

    assert done.outcome is Outcome.HALTED
    assert change.state.live == rollout.release, "the ledger says what the endpoint does"
    assert change.state.rolled_back_at == AT
    assert retired(done) == STABLE


def test_that_a_target_was_changed_by_hand_is_remembered_until_a_rollout_replaced_it() -> None:
    refused = a_rollout(edited=True, reason="ENDPOINT_CHANGED: …", provision_config="")

    change, _ = take_back(a_state(refused), refused, now=AT)
    other, _ = take_back(a_state(a_rollout(), edited="before"), a_rollout(), now=AT)
    promoted, _ = promote(a_state(a_rollout(), edited="before"), a_rollout(), now=AT)

    assert change.state.edited == "ENDPOINT_CHANGED: …"
    assert (other.state.edited, promoted.state.edited) == ("before", "")
