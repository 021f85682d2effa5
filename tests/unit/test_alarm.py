"""What an alarm means, by what it watches and where the target stands."""

from __future__ import annotations

import pytest

from sluice.domain.alarm import Firing, Ignore, Owe, Tell, Watched, respond
from sluice.domain.rollout import Kind, Phase, Trial
from sluice.domain.target import Cause, TargetState
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    a_firing,
    a_guarded,
    a_rollout,
    a_signal,
    a_state,
    deployed,
    serverless,
    watches,
)

OLD = deployed(2, epoch=2)
STANDING_BY = a_state(a_rollout(position=1, promoted=True), live=CANARY)


@pytest.mark.parametrize(
    ("state", "watched", "firing", "reason"),
    [
        pytest.param(
            a_state(a_rollout()), watches(), a_firing(muted=True), "MUTED", id="in maintenance"
        ),
        pytest.param(
            a_state(live=CANARY),
            watches(),
            a_firing(muted=True),
            "MUTED",
            id="in maintenance, nobody holds the target",
        ),
        pytest.param(
            a_state(a_rollout()), watches(STABLE), a_firing(), "STABLE_ALARM", id="on stable"
        ),
        pytest.param(
            STANDING_BY, watches(STABLE), a_firing(), "NOT_SERVING", id="on what stands by at 0 %"
        ),
        pytest.param(
            a_state(), watches(OLD), a_firing(), "NOT_SERVING", id="on what serves no longer"
        ),
        pytest.param(
            a_state(live=None), watches(OLD), a_firing(), "NOT_SERVING", id="nothing serves"
        ),
        pytest.param(
            a_state(),
            watches(deployed(3, epoch=2)),
            a_firing(),
            "NOT_SERVING",
            id="same version, but a variant of an earlier epoch",
        ),
        pytest.param(
            a_state(phase=Phase.HALTED), watches(STABLE), a_firing(), "HALTED", id="halted"
        ),
        pytest.param(
            a_state(rollback_owed=a_signal(3)),
            watches(STABLE),
            a_firing(),
            "KNOWN",
            id="a rollback is owed already",
        ),
        pytest.param(
            a_state(a_rollout(), signal=a_signal()),
            watches(),
            a_firing(),
            "KNOWN",
            id="the holder has been told already",
        ),
        pytest.param(
            a_state(a_rollout(trial=Trial()), phase=Phase.PROVISIONING),
            watches(),
            a_firing(),
            "TESTED",
            id="only the smoke test can have made it fire",
        ),
        pytest.param(
            a_state(a_guarded(position=0), phase=Phase.BAKING, live=serverless(STABLE)),
            watches(serverless(STABLE)),
            a_firing(),
            "STABLE_ALARM",
            id="on stable, whose variant bears the same name",
        ),
        pytest.param(
            a_state(a_rollout(taken_back=True)),
            watches(),
            a_firing(),
            "KNOWN",
            id="taken back already",
        ),
    ],
)
def test_no_traffic_changes(
    state: TargetState, watched: Watched, firing: Firing, reason: str
) -> None:
    response = respond(state, watched, firing)

    assert isinstance(response, Ignore)
    assert response.reason.startswith(reason)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(a_state(a_rollout(), phase=Phase.PROVISIONING), id="while it is provisioned"),
        pytest.param(a_state(a_rollout(position=0), phase=Phase.BAKING), id="while it bakes"),
        pytest.param(
            a_state(a_rollout(position=0, trial=Trial(passed=True)), phase=Phase.BAKING),
            id="while it bakes, its smoke test passed",
        ),
        pytest.param(a_state(a_rollout(position=0), phase=Phase.HELD), id="while it is held"),
        pytest.param(STANDING_BY, id="while the old variant stands by"),
        pytest.param(
            a_state(a_rollout(promoted=True), live=CANARY, phase=Phase.SETTLING),
            id="while the endpoint settles",
        ),
        pytest.param(
            a_state(a_rollout(Kind.ALL_AT_ONCE), live=None), id="during a first deployment"
        ),
    ],
)
def test_the_holder_is_told_of_an_alarm_on_its_release(state: TargetState) -> None:
    response = respond(state, watches(), a_firing())

    assert isinstance(response, Tell)
    signal = response.change.state.signal
    assert signal
    assert (signal.cause, signal.release, signal.blames) == (Cause.ALARM, CANARY.release, True)
    assert (signal.at, signal.reason) == (AT, "alarm sluice-churn-v4-e5-errors: 0.5 > 0.05")
    assert response.change.state == state.model_copy(update={"signal": signal})
    assert [event.event for event in response.change.events] == ["AlarmFired"]


def test_later_a_rollback_is_owed_and_nobody_is_blamed() -> None:
    response = respond(a_state(), watches(STABLE), a_firing())

    assert isinstance(response, Owe)
    owed = response.change.state.rollback_owed
    assert owed
    assert (owed.release, owed.blames) == (STABLE.release, False)
    assert response.change.state == a_state(rollback_owed=owed)


@pytest.mark.parametrize(
    ("state", "watched"),
    [
        pytest.param(a_state(a_rollout(position=0)), watches(), id="during a rollout"),
        pytest.param(a_state(), watches(STABLE), id="later"),
    ],
)
def test_one_rollback_a_release_however_often_the_alarm_flaps(
    state: TargetState, watched: Watched
) -> None:
    response = respond(state, watched, a_firing())
    assert isinstance(response, Tell | Owe)

    again = respond(response.change.state, watched, a_firing(reason="again"))

    assert isinstance(again, Ignore)


def test_an_alarm_that_blames_is_heard_after_one_that_does_not() -> None:
    unblaming = a_signal(blames=False)

    response = respond(a_state(a_rollout(), signal=unblaming), watches(), a_firing())

    assert isinstance(response, Tell)
    assert response.change.state.signal
    assert response.change.state.signal.blames


@pytest.mark.parametrize("variant", ["v4-e5", ""], ids=["its own", "on the whole endpoint"])
def test_an_alarm_is_heard_after_a_newer_approval_that_ends_a_held_canary(variant: str) -> None:
    superseded = a_signal(cause=Cause.SUPERSEDED, blames=False)
    rollout = a_rollout(watch=("errors",))
    watched = watches() if variant else Watched(target="endpoint/churn", epoch=5)

    response = respond(a_state(rollout, signal=superseded), watched, a_firing(name="errors"))

    assert isinstance(response, Tell)
    assert response.change.state.signal
    assert response.change.state.signal.cause is Cause.ALARM
    assert response.change.state.signal.blames is bool(variant)


def test_an_alarm_says_nothing_that_a_person_who_rejected_did_not() -> None:
    rejected = a_signal(cause=Cause.REJECTION, blames=False)

    assert isinstance(respond(a_state(a_rollout(), signal=rejected), watches(), a_firing()), Ignore)


def test_an_alarm_on_the_whole_endpoint_does_not_end_the_rollback_that_mends_it() -> None:
    going_back = a_rollout(Kind.ROLL_BACK, watch=("whole",))
    live = STABLE.model_copy(update={"watch": ("whole",)})
    whole = Watched(target="endpoint/churn", epoch=5)

    early = respond(a_state(going_back, live=live), whole, a_firing(name="whole"))
    done = going_back.model_copy(update={"promoted": True})
    late = respond(a_state(done, live=CANARY), whole, a_firing(name="whole"))

    assert isinstance(early, Ignore)
    assert early.reason.startswith("KNOWN")
    assert isinstance(late, Tell)
