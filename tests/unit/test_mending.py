"""An incident is tried to be mended once; then a person is called."""

from __future__ import annotations

import pytest

from sluice.domain.desired import next_move
from sluice.domain.mending import mend
from sluice.domain.moves import Halt, Idle
from sluice.domain.outcome import promote, take_back
from sluice.domain.preparation import target_objection, way_in
from sluice.domain.retrying import BACK_OFF
from sluice.domain.rollout import Action, Kind, Outcome, Phase, Rollout
from sluice.domain.settlement import release_target
from sluice.domain.starting import Start
from sluice.domain.target import Incident, TargetState
from tests.builders import (
    AT,
    STABLE,
    a_release,
    a_release_name,
    a_rollout,
    a_state,
    a_wanted,
    an_endpoint,
    deployed,
)

OLD = deployed(2, epoch=2)
APPROVED = {a_release_name("churn-v2"), a_release_name("churn-v3")}
RELEASES = {one.name: one for one in map(a_release, ("churn-v2", "churn-v3", "churn-v4"))}


def mending(status: str | None = "Failed") -> tuple[TargetState, Rollout]:
    """The target, and the rollout that mends it."""
    move = mend(a_state(last_good=(STABLE, OLD)), status, approved=APPROVED, now=AT)
    assert isinstance(move, Start)
    return move.change.state, move.rollout


def failed(reason: str = "provisioning failed: no image") -> TargetState:
    """The target after that rollout did not come up either."""
    state, rollout = mending()
    back = rollout.to(Action.ROLL_BACK, reason, stuck="the endpoint is Failed")
    change, done = take_back(state, back, now=AT)
    released = release_target(change.state, done, now=AT)
    assert released
    return released.state


def test_what_could_not_be_mended_is_halted_and_never_tried_in_a_loop() -> None:
    state = failed()

    assert state.phase is Phase.HALTED
    assert state.incident
    for _ in range(3):
        assert mend(state, "Failed", approved=APPROVED, now=AT) is None
        assert isinstance(next_move(state, releases=RELEASES, now=AT), Idle)


def test_only_what_found_no_room_is_tried_again() -> None:
    state = failed("provisioning failed: InsufficientInstanceCapacity")

    assert state.phase is Phase.IDLE
    waits = mend(state, "Failed", approved=APPROVED, now=AT)
    assert isinstance(waits, Idle)
    again = mend(state, "Failed", approved=APPROVED, now=AT + BACK_OFF[0])
    assert isinstance(again, Start)


def test_a_mix_that_the_good_configuration_did_not_mend_is_halted() -> None:
    state, rollout = mending("UpdateRollbackFailed")
    released = release_target(state, rollout, now=AT)
    assert released

    move = mend(released.state, "UpdateRollbackFailed", approved=APPROVED, now=AT)

    assert isinstance(move, Halt)
    assert move.change.state.phase is Phase.HALTED
    assert [event.event for event in move.change.events] == ["Halted"]
    halted = move.change.state
    assert mend(halted, "UpdateRollbackFailed", approved=APPROVED, now=AT) is None


def test_with_nothing_good_to_put_up_a_person_is_called_once() -> None:
    move = mend(a_state(last_good=()), None, approved=set(), now=AT)

    assert isinstance(move, Halt)
    assert "deleted by hand" in move.reason
    assert mend(move.change.state, None, approved=set(), now=AT) is None


def test_a_fix_is_deployed_afresh_where_the_endpoint_is_lost() -> None:
    state = failed().model_copy(update={"wanted": a_wanted(4, seq=9)})

    move = next_move(state, releases=RELEASES, now=AT)

    assert isinstance(move, Start)
    assert (move.rollout.kind, move.rollout.stable) == (Kind.ALL_AT_ONCE, None)
    for endpoint in (None, an_endpoint("Failed", config="churn-v3-e3")):
        assert target_objection(move.rollout, endpoint) == ""
        assert way_in(move.rollout, endpoint) is Action.CREATE


def test_a_promotion_ends_the_incident() -> None:
    state, rollout = mending()

    change, done = promote(state, rollout, now=AT)

    assert done.outcome is Outcome.ROLLED_BACK
    assert change.state.incident is None


def test_stable_taken_off_by_hand_is_halted_and_put_up_again_once() -> None:
    """InService, but without the variant that should serve: no status tells of it."""
    rollout = a_rollout(
        action=Action.ROLL_BACK, reason="STABLE_GONE: …", stuck="v3-e3 is not on the endpoint"
    )
    change, done = take_back(a_state(rollout, last_good=(STABLE, OLD)), rollout, now=AT)
    released = release_target(change.state, done, now=AT)
    assert released
    assert (done.outcome, released.state.phase) == (Outcome.HALTED, Phase.HALTED)

    move = mend(released.state, "InService", approved=APPROVED, now=AT)

    assert isinstance(move, Start)
    assert (move.rollout.kind, move.rollout.release.variant) == (Kind.ROLL_BACK, "v3-e6")
    assert way_in(move.rollout, an_endpoint(v9_e9=1)) is Action.UPDATE
    tried = move.change.state.model_copy(update={"holder": "", "rollout": None})
    again = mend(tried, "InService", approved=APPROVED, now=AT)
    assert not isinstance(again, Start)


@pytest.mark.parametrize("config", ["by-hand", "churn", "churn-v3", "other-v3-e3"])
def test_a_failed_endpoint_that_is_not_ours_is_not_deleted_for_a_new_one(config: str) -> None:
    endpoint = an_endpoint("Failed", config=config)

    assert target_objection(a_rollout(Kind.ROLL_BACK), endpoint).startswith("ENDPOINT_FAILED")


def test_an_incident_says_what_was_found() -> None:
    state, _ = mending(None)

    expected = Incident(found="the endpoint was deleted by hand", at=AT, lost=True, tried=True)
    assert state.incident == expected
