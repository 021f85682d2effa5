"""`settle_rollout`: a task in; the outcome, the mark, the lease and the message out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.ledger.releases import Releases
from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.release import ApprovalStatus
from sluice.domain.rollout import Action, Kind, Outcome, Phase, Rollout
from sluice.events.tasks import dump_rollout
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    TARGET,
    a_package_arn,
    a_rollout,
    a_signal,
    a_state,
    a_wanted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World

    type Told = Callable[[], list[str]]

BOTH = "churn-v3-v4-e5-both"
PROMOTE = a_rollout(position=1, action=Action.PROMOTE, reason="7 requests and no alarm")
BACK = a_rollout(position=0, action=Action.ROLL_BACK, blames=True, reason="alarm errors")
PROMOTED = a_rollout(position=1, promoted=True, outcome=Outcome.PROMOTED, proven=True)


def settle(world: World, rollout: Rollout) -> Rollout:
    event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
    return Rollout.model_validate(world.call("settle_rollout", event))


@pytest.fixture
def serving(world: World) -> World:
    """Version 4 serves all traffic beside version 3, which stands by."""
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(PROMOTE, wanted=a_wanted(4)))
    world.given_endpoint(BOTH, v3_e3=0, v4_e5=100)
    return world


# Promotion.


def test_what_is_promoted_is_live_and_told(serving: World, told: Told) -> None:
    done = settle(serving, PROMOTE)

    assert (done.outcome, done.promoted) == (Outcome.PROMOTED, True)
    assert done.settle_config == CANARY.endpoint_config
    assert (serving.state.live, serving.state.wanted) == (CANARY, None)
    assert serving.state.holder == "churn-g1-e5"
    (entry,) = serving.targets.history(TARGET)
    assert (entry.event, entry.live, entry.at) == ("Promoted", CANARY, AT)
    ((kind, detail),) = serving.announced()
    assert (kind, detail["release"]["variant"]) == ("ReleasePromoted", "v4-e5")
    assert told() == ["churn-v4 serves all traffic of churn: 7 requests and no alarm."]


def test_a_promotion_that_is_repeated_is_recorded_once(serving: World) -> None:
    first = settle(serving, PROMOTE)

    assert settle(serving, PROMOTE) == first
    assert serving.history() == ["Promoted"]


def test_nothing_is_promoted_against_a_signal(serving: World, told: Told) -> None:
    serving.given(a_state(PROMOTE, signal=a_signal()))

    with pytest.raises(SignalPendingError):
        settle(serving, PROMOTE)

    assert (serving.state.live, told()) == (STABLE, [])


def test_a_signal_after_a_promotion_whose_reply_was_lost_takes_it_back_whole(
    serving: World,
) -> None:
    """The ledger says promoted, the machine never heard of it and hears the alarm instead."""
    settle(serving, PROMOTE)  # and its reply is lost
    serving.given(serving.state.model_copy(update={"signal": a_signal()}))
    with pytest.raises(SignalPendingError):
        settle(serving, PROMOTE)

    done = settle(serving, BACK)

    assert (done.outcome, serving.state.live) == (Outcome.ROLLED_BACK, STABLE)


def test_a_message_that_cannot_be_sent_does_not_undo_a_promotion(
    serving: World, faults: Faults
) -> None:
    """Telling comes after the fact: traffic must not go back because nobody could be told."""
    with faults.refusing("PutEvents", "AccessDenied"):
        done = settle(serving, PROMOTE)

    assert (done.outcome, serving.state.live) == (Outcome.PROMOTED, CANARY)


def test_a_first_deployment_has_nothing_to_drop(world: World) -> None:
    first = a_rollout(Kind.ALL_AT_ONCE, action=Action.PROMOTE)
    world.given(a_state(first, live=None))
    world.given_endpoint(CANARY.endpoint_config, v4_e5=100)

    assert settle(world, first).settle_config == ""


# Taking back.


@pytest.fixture
def taken_off(world: World) -> World:
    """Version 4 has lost its 10 % again."""
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(BACK, wanted=a_wanted(4), signal=a_signal()))
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    return world


def test_a_bad_canary_is_marked_rejected_and_told(taken_off: World, told: Told) -> None:
    done = settle(taken_off, BACK)

    assert (done.outcome, done.settle_config) == (Outcome.ABORTED, STABLE.endpoint_config)
    state = taken_off.state
    assert (state.live, state.wanted, state.signal) == (STABLE, None, None)
    assert state.bad["churn-v4"].reason == "alarm errors"
    assert taken_off.approval_of(a_package_arn(4)) == "Rejected"
    assert taken_off.approval_of(a_package_arn(3)) == "Approved"
    assert [kind for kind, _ in taken_off.announced()] == ["ReleaseRolledBack"]
    assert told() == ["churn-v4 was taken off churn: alarm errors. churn-v3 serves all traffic."]


def test_our_own_rejection_is_recorded_so_that_a_later_approval_is_news(taken_off: World) -> None:
    settle(taken_off, BACK)

    release = Releases(taken_off.table).get(CANARY.release)
    assert release
    assert release.approval is ApprovalStatus.REJECTED
    assert release.approvals[-1].status is ApprovalStatus.REJECTED


def test_a_rollout_that_broke_blames_nobody(taken_off: World) -> None:
    taken_off.given(a_state(BACK))

    settle(taken_off, BACK.model_copy(update={"blames": False}))

    assert taken_off.state.bad == {}
    assert taken_off.approval_of(a_package_arn(4)) == "Approved"


def test_an_alarm_that_the_machine_did_not_hear_blames_all_the_same(taken_off: World) -> None:
    settle(taken_off, BACK.model_copy(update={"blames": False}))

    assert set(taken_off.state.bad) == {"churn-v4"}
    assert taken_off.approval_of(a_package_arn(4)) == "Rejected"


def test_what_served_well_before_is_not_condemned_by_a_rollback_that_fails(
    world: World, told: Told
) -> None:
    world.given_versions(1, 2, 3, 4)
    back = a_rollout(
        Kind.ROLL_BACK, promoted=True, action=Action.ROLL_BACK, blames=True, reason="alarm errors."
    )
    world.given(a_state(back, live=CANARY, signal=a_signal()))

    done = settle(world, back)

    assert (done.outcome, world.state.bad) == (Outcome.HALTED, {})
    assert world.approval_of(a_package_arn(4)) == "Approved"
    assert world.state.live == CANARY
    assert [kind for kind, _ in world.announced()] == ["TargetHalted"]
    (message,) = told()
    assert message.startswith("churn is halted: alarm errors. There is no good release to go back")


def test_taking_back_twice_marks_once(taken_off: World) -> None:
    first = settle(taken_off, BACK)

    assert settle(taken_off, BACK) == first
    assert taken_off.history() == ["Aborted"]


def test_a_variant_that_never_arrived_needs_no_dropping(world: World) -> None:
    back = a_rollout(action=Action.ROLL_BACK)
    world.given(a_state(back))
    world.given_endpoint("churn-v3-e3", v3_e3=100)

    assert settle(world, back).settle_config == ""


# Release of the lease.


def test_the_lease_ends_and_what_served_well_is_remembered(serving: World) -> None:
    release = PROMOTED.model_copy(update={"action": Action.RELEASE})
    serving.given(a_state(release, live=CANARY, token="t-1", phase=Phase.SETTLING))
    serving.given_endpoint_has("v4-e5")
    serving.given_alarm(CANARY)
    arn = serving.given_alarm(STABLE, name=STABLE.alarms[0])

    settle(serving, release)

    state = serving.state
    assert (state.holder, state.rollout, state.phase) == ("", None, Phase.IDLE)
    assert state.last_good == (CANARY, STABLE)
    assert serving.targets.in_flight() == ()
    assert serving.alarms() == set(CANARY.alarms), "nothing watches what is gone"
    assert serving.targets.watched_by(arn) == ()
    assert serving.history() == ["Settled"]


def test_releasing_twice_releases_once(serving: World) -> None:
    release = PROMOTED.model_copy(update={"action": Action.RELEASE})
    serving.given(a_state(release, live=CANARY))
    serving.given_endpoint_has("v4-e5")

    settle(serving, release)
    settle(serving, release)

    assert serving.history() == ["Settled"]


def test_a_late_release_does_not_end_the_lease_of_the_next_holder(serving: World) -> None:
    following = a_rollout(id="churn-g1-e6", epoch=6)
    serving.given(a_state(following))

    settle(serving, PROMOTED.model_copy(update={"action": Action.RELEASE}))

    assert serving.state.holder == "churn-g1-e6"


def test_an_alarm_while_the_endpoint_settled_is_owed_a_rollback(serving: World) -> None:
    release = PROMOTED.model_copy(update={"action": Action.RELEASE})
    serving.given(a_state(release, live=CANARY, signal=a_signal()))

    settle(serving, release)

    assert serving.state.rollback_owed == a_signal()


@pytest.mark.parametrize("rollout", [PROMOTE, BACK], ids=["promote", "take back"])
def test_a_displaced_holder_records_nothing(serving: World, rollout: Rollout) -> None:
    serving.given(a_state(a_rollout(id="churn-g1-e6", epoch=6)))

    with pytest.raises(DisplacedError):
        settle(serving, rollout)

    assert serving.history() == []
    assert serving.approval_of(a_package_arn(4)) == "Approved"


# What could not be dropped, and what is gone.


def test_a_variant_that_could_not_be_dropped_is_owed_and_the_outcome_stays(
    serving: World, told: Told
) -> None:
    settle(serving, PROMOTE)
    settle(serving, PROMOTED.to(Action.RELEASE, "served well"))

    assert serving.history() == ["Promoted", "SettleOwed", "Settled"]
    assert serving.state.settle_owed
    assert serving.state.settle_owed.variants == ("v3-e3",)
    assert (serving.state.live, serving.state.phase) == (CANARY, Phase.IDLE)


def test_what_somebody_put_there_is_not_ours_to_drop(serving: World) -> None:
    refused = BACK.model_copy(update={"provision_config": "", "edited": True})
    serving.given(a_state(refused))

    done = settle(serving, refused)
    settle(serving, done.to(Action.RELEASE, "refused"))

    assert (serving.state.settle_owed, serving.state.holder) == (None, "")


def test_what_was_dropped_is_not_owed(serving: World) -> None:
    settle(serving, PROMOTE)
    serving.given_endpoint_has("v4-e5")

    settle(serving, PROMOTED.to(Action.RELEASE, "served well"))

    assert serving.state.settle_owed is None


def test_a_bad_release_whose_package_is_gone_is_marked_all_the_same(
    world: World, wire: Wire
) -> None:
    world.given_versions(1, 2, 3, 4)
    world.given(a_state(BACK, wanted=a_wanted(4)))
    world.given_endpoint(BOTH, v3_e3=100, v4_e5=0)
    wire.deletes_package(a_package_arn(4))

    done = settle(world, BACK)

    assert done.outcome is Outcome.ABORTED
    assert world.state.bad["churn-v4"].rejected_at, "nobody is asked to reject it again"


def test_a_canary_that_cannot_go_back_is_halted_and_told(serving: World, told: Told) -> None:
    stuck = BACK.model_copy(update={"blames": False, "stuck": "v3-e3 is not on the endpoint"})
    serving.given(a_state(stuck))

    done = settle(serving, stuck)

    assert (done.outcome, done.settle_config) == (Outcome.HALTED, "")
    (message,) = told()
    assert "v3-e3 is not on the endpoint" in message


def test_a_rollback_that_does_not_come_up_is_told(serving: World, told: Told) -> None:
    failed = a_rollout(
        Kind.ROLL_BACK, action=Action.ROLL_BACK, reason="provisioning failed: memory"
    )
    serving.given(a_state(failed, rollback_owed=a_signal(3)))

    done = settle(serving, failed)

    assert done.outcome is Outcome.FAILED
    ((kind, _),) = serving.announced()
    assert kind == "RollbackFailed"
    (said,) = told()
    assert said == (
        "churn-v4 was to take over churn and did not come up: provisioning failed: memory. "
        "Another good release is tried, if there is one."
    )


def test_what_aws_had_no_room_for_is_told_and_tried_again(serving: World, told: Told) -> None:
    refused = a_rollout(
        action=Action.ROLL_BACK, reason="provisioning failed: (ResourceLimitExceeded)"
    )
    serving.given(a_state(refused, wanted=a_wanted(4)))

    done = settle(serving, refused)

    assert done.outcome is Outcome.DEFERRED
    assert serving.state.wanted == a_wanted(4)
    ((kind, _),) = serving.announced()
    assert kind == "RolloutDeferred"
    assert told() == [f"churn-v4 is tried again on churn later: {refused.reason}."]
    assert serving.approval_of(a_package_arn(4)) == "Approved"


def test_an_alarm_on_the_whole_endpoint_is_watched_for_as_long_as_what_is_live_names_it(
    serving: World,
) -> None:
    live = CANARY.model_copy(update={"watch": ("kept",)})
    release = PROMOTED.model_copy(update={"action": Action.RELEASE, "watch": ("kept", "left")})
    serving.given(a_state(release, live=live))
    kept, left = (serving.given_alarm(CANARY, name=name) for name in ("kept", "left"))

    settle(serving, release)
    settle(serving, release)

    assert len(serving.targets.watched_by(kept)) == 1
    assert serving.targets.watched_by(left) == ()


def test_a_rejection_that_is_refused_ends_the_rollout_all_the_same(
    taken_off: World, faults: Faults
) -> None:
    with faults.refusing("UpdateModelPackage", "AccessDeniedException"):
        done = settle(taken_off, BACK)

    assert done.outcome is Outcome.ABORTED
    assert taken_off.state.bad["churn-v4"].rejected_at is None
    assert taken_off.approval_of(a_package_arn(4)) == "Approved"


def test_people_are_told_of_a_hold_once_and_the_history_names_the_evidence(
    world: World, told: Callable[[], list[str]]
) -> None:
    reason = "undecided after 60 minutes; about 900 more canary requests are needed"
    rollout = a_rollout(position=0, action=Action.HOLD, reason=reason, evidence="00060-abc")
    world.given(a_state(rollout))

    assert settle(world, rollout) == rollout
    settle(world, rollout)

    (mail,) = told()
    assert reason in mail
    assert f"`sluice promote {rollout.target}`" in mail
    assert [kind for kind, _ in world.announced()] == ["RolloutHeld"]
    (entry,) = world.targets.history(rollout.target)
    assert (entry.event, entry.reason, entry.evidence) == ("Held", reason, "00060-abc")
