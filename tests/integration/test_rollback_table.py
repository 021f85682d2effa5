"""What happens, what follows: each row of the table of rollbacks, one test or a few, in order.

The oracles are SageMaker's weights and approvals, the ledger's state and history, what people were
told, and what was asked of AWS. What counts for nothing, or cannot be read, has a room of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Action, Kind, Outcome, Phase
from tests.builders import AT, CANARY, STABLE, TARGET, a_package_arn, a_release, after
from tests.integration.drills import MINUTE, OLD, WHOLE, Drill, at_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire, World


@pytest.fixture
def drill(world: World, wire: Wire, told: Callable[[], list[str]]) -> Drill:
    """Versions 1 to 4 are approved, the schedule knows; nothing else is given yet."""
    return Drill(world, wire, told)


# Alarm or failed verdict on the canary: weight 0, Aborted, marked bad, Rejected with the reason.


@pytest.mark.parametrize("found_by", ["event", "look"])
def test_alarm_on_the_canary(drill: Drill, found_by: str) -> None:
    drill.bakes()
    name = drill.watched(CANARY, "ALARM")

    drill.fires(name) if found_by == "event" else drill.watch(1)
    done = drill.takes_back()

    assert drill.world.traffic() == {"v3-e3": 100, "v4-e5": 0}
    assert done.outcome is Outcome.ABORTED
    assert name in drill.world.state.bad["churn-v4"].reason
    assert drill.world.approval_of(a_package_arn(4)) == "Rejected"
    assert drill.world.state.live == STABLE


def test_alarm_while_the_canary_is_provisioned_aborts_it_before_it_has_traffic(
    drill: Drill,
) -> None:
    drill.bakes()
    state = drill.world.state
    assert state.rollout
    dark = {"rollout": state.rollout.model_copy(update={"position": -1})}
    drill.world.given(state.model_copy(update={**dark, "phase": Phase.PROVISIONING}))
    drill.watched(CANARY, "ALARM")

    drill.watch(1)

    assert (drill.woken()[0].action, drill.woken()[0].blames) == ("RollBack", True)


# Alarm on stable during a canary: recorded; the canary is not blamed.


def test_alarm_on_stable_during_a_canary(drill: Drill) -> None:
    drill.bakes()
    name = drill.watched(STABLE, "ALARM")

    for _ in range(3):
        drill.fires(name)
    drill.watch(2)

    assert drill.woken() == []
    (reason,) = drill.said()
    assert reason.startswith("STABLE_ALARM")
    assert (drill.world.state.signal, drill.world.state.bad) == (None, {})


# An endpoint-wide alarm nobody can attribute: abort the canary without marking it bad.


@pytest.mark.parametrize("found_by", ["event", "look"])
def test_an_endpoint_wide_alarm_aborts_the_canary_without_marking_it_bad(
    drill: Drill, found_by: str
) -> None:
    drill.bakes(watch=(WHOLE,))
    name = drill.watched_whole("ALARM")

    drill.fires(name) if found_by == "event" else drill.watch(1)
    done = drill.takes_back()

    assert drill.world.traffic() == {"v3-e3": 100, "v4-e5": 0}
    assert (done.outcome, drill.world.state.bad) == (Outcome.ABORTED, {})
    assert drill.world.approval_of(a_package_arn(4)) == "Approved"


def test_an_endpoint_wide_alarm_that_ended_a_canary_says_nothing_against_stable_until_it_was_ok(
    drill: Drill,
) -> None:
    drill.bakes(watch=(WHOLE,))
    drill.fires(drill.watched_whole("ALARM"))
    drill.takes_back()
    watching = STABLE.model_copy(update={"watch": (WHOLE,)})
    free = {"holder": "", "rollout": None, "live": watching, "last_good": (STABLE, OLD)}
    drill.watched(STABLE)
    drill.world.given(drill.world.state.model_copy(update={**free, "token": ""}))

    drill.tick(10)
    assert drill.world.state.holder == ""

    drill.watched_whole("OK")
    drill.tick(15)
    drill.watched_whole("ALARM")
    drill.tick(20)
    assert drill.world.history()[-2:] == ["AlarmFired", "RolloutStarted"]


def test_an_endpoint_wide_alarm_while_the_old_variant_stands_by_flips_back_without_blame(
    drill: Drill,
) -> None:
    drill.stands_by(CANARY, watch=(WHOLE,))
    drill.fires(drill.watched_whole("ALARM"))
    done = drill.takes_back()

    assert drill.world.traffic() == {"v3-e3": 100, "v4-e5": 0}
    assert (done.outcome, drill.world.state.bad) == (Outcome.ROLLED_BACK, {})
    assert drill.world.approval_of(a_package_arn(4)) == "Approved"


def test_an_endpoint_wide_alarm_later_rolls_back_like_any_other(drill: Drill) -> None:
    at_rest(drill, STABLE.model_copy(update={"watch": (WHOLE,)}))
    drill.fires(drill.watched_whole("ALARM"))

    drill.tick(6)

    state = drill.world.state
    assert state.rollout
    assert (state.rollout.kind, str(state.rollout.release.release)) == (Kind.ROLL_BACK, "churn-v2")
    assert set(state.suspect) == {"churn-v3"}


# Alarm while the old variant stands by: weights flip back in one call; marked bad and Rejected.


@pytest.mark.parametrize("found_by", ["event", "look"])
def test_alarm_while_the_old_variant_stands_by(drill: Drill, found_by: str) -> None:
    drill.stands_by(CANARY)
    name = drill.watched(CANARY, "ALARM")

    drill.fires(name) if found_by == "event" else drill.watch(1)
    done = drill.takes_back()

    assert drill.world.traffic() == {"v3-e3": 100, "v4-e5": 0}
    assert len(drill.weight_changes()) == 1
    assert done.outcome is Outcome.ROLLED_BACK
    assert set(drill.world.state.bad) == {"churn-v4"}
    assert drill.world.approval_of(a_package_arn(4)) == "Rejected"
    assert drill.world.state.live == STABLE


# Alarm later: the newest last good that is still Approved, all at once; suspect, not Rejected.


@pytest.mark.parametrize("found_by", ["event", "schedule"])
def test_alarm_later(drill: Drill, found_by: str) -> None:
    name = at_rest(drill)
    drill.watched(STABLE, "ALARM")

    if found_by == "event":
        drill.fires(name)
    drill.tick(6)

    state = drill.world.state
    assert state.rollout
    assert (state.rollout.kind, state.rollout.steps) == (Kind.ROLL_BACK, ())
    assert state.rollout.release.release == OLD.release
    assert (set(state.suspect), state.bad) == ({"churn-v3"}, {})
    assert drill.world.approval_of(a_package_arn(3)) == "Approved"


# A second alarm within the cool-down of an automatic rollback: HALTED, keep serving, page.


def test_a_second_alarm_within_the_cool_down(drill: Drill) -> None:
    name = at_rest(drill, rolled_back_at=AT)
    drill.fires(name, at=after(59 * MINUTE))

    drill.tick(60)
    drill.tick(65)

    state = drill.world.state
    assert (state.phase, state.holder, state.live) == (Phase.HALTED, "", STABLE)
    assert drill.executions() == set()
    (page,) = drill.told()
    assert "59 minutes after an automatic rollback" in page
    assert "set churn-v3 to pending and approve it again" in page
    assert "reject it to go back to churn-v2" in page
    assert [kind for kind, _ in drill.world.announced()] == ["TargetHalted"]


def test_no_cool_down_passes_by_an_alarms_clock(drill: Drill) -> None:
    """It fires half an hour after the rollback; CloudWatch takes that to be an hour and a half."""
    name = at_rest(drill, rolled_back_at=AT, live_since=AT)
    told = after(90 * MINUTE)
    drill.fires(name, at=told)

    (answer,) = drill.asked(at=told)
    assert "cool-down" in answer
    assert (drill.executions(), drill.world.state.phase) == (set(), Phase.IDLE)

    drill.tick(31)
    assert (drill.world.state.phase, drill.executions()) == (Phase.HALTED, set())


def test_an_alarm_long_after_the_cool_down_waits_for_no_schedule(drill: Drill) -> None:
    name = at_rest(drill, rolled_back_at=after(-120 * MINUTE), live_since=AT)
    drill.fires(name)

    drill.asked(at=after(5 * MINUTE))

    assert drill.world.history()[-1] == "RolloutStarted"


def test_an_alarm_after_the_cool_down_rolls_back(drill: Drill) -> None:
    name = at_rest(drill, rolled_back_at=AT)
    drill.fires(name, at=after(61 * MINUTE))

    drill.tick(62)

    assert drill.world.history()[-1] == "RolloutStarted"


def test_the_cool_down_holds_back_alarms_not_people(drill: Drill) -> None:
    at_rest(drill, rolled_back_at=AT)
    drill.world.decide(a_package_arn(3), "Rejected")

    drill.tick(5)

    state = drill.world.state
    assert state.rollout
    assert (state.rollout.kind, state.rollout.automatic) == (Kind.ROLL_BACK, False)


def test_a_rollback_a_person_asked_for_starts_no_cool_down(drill: Drill) -> None:
    at_rest(drill)
    drill.world.decide(a_package_arn(3), "Rejected")
    drill.tick(5)
    rollout = drill.world.state.rollout
    assert rollout

    drill.carries_out("settle_rollout", rollout.to(Action.PROMOTE, "provisioned"))

    assert drill.world.state.live == rollout.release
    assert drill.world.state.rolled_back_at is None


def halted(drill: Drill) -> str:
    name = at_rest(drill, rolled_back_at=AT)
    drill.watched(STABLE, "ALARM")
    drill.fires(name, at=after(30 * MINUTE))
    drill.tick(31)
    assert drill.world.state.phase is Phase.HALTED
    return name


def test_a_halted_target_still_deploys_a_new_approval(drill: Drill) -> None:
    halted(drill)
    drill.world.given_release(a_release("churn-v5"))

    drill.tick(35)

    state = drill.world.state
    assert state.rollout
    assert (str(state.rollout.release.release), state.rollout.kind) == ("churn-v5", Kind.CANARY)


def test_whoever_approves_what_is_live_again_releases_a_halt_and_the_alarm_is_held_against_nobody(
    drill: Drill,
) -> None:
    name = halted(drill)
    drill.world.decide(a_package_arn(3), "PendingManualApproval")
    drill.tick(35)
    assert drill.world.state.phase is Phase.HALTED

    drill.world.decide(a_package_arn(3), "Approved")
    drill.tick(40)
    drill.tick(45)

    assert (drill.world.state.phase, drill.world.state.holder) == (Phase.IDLE, "")
    assert drill.fires(name, before="INSUFFICIENT_DATA").startswith("ALREADY_FIRING")
    assert len(drill.told()) == 1


def test_since_when_a_person_stands_by_what_serves_the_schedule_says(drill: Drill) -> None:
    name = halted(drill)
    for status in ("PendingManualApproval", "Approved"):
        drill.world.decide(a_package_arn(3), status)
        drill.changed(3, at=after(95 * MINUTE))
    assert drill.world.state.phase is Phase.HALTED

    drill.tick(40)
    drill.watched(STABLE, "OK")

    assert drill.world.state.phase is Phase.IDLE
    assert drill.fires(name, at=after(41 * MINUTE)) == f"a rollback of {TARGET} is owed"


def test_whoever_rejects_what_a_halted_target_serves_rolls_it_back(drill: Drill) -> None:
    halted(drill)
    drill.world.decide(a_package_arn(3), "Rejected")

    drill.tick(35)

    state = drill.world.state
    assert state.rollout
    assert state.rollout.release.release == OLD.release


# Package Rejected while live: roll back as above.


def test_package_rejected_while_live(drill: Drill) -> None:
    at_rest(drill)
    drill.world.decide(a_package_arn(3), "Rejected")

    drill.tick(5)

    state = drill.world.state
    assert state.rollout
    assert (state.rollout.kind, state.suspect, state.bad) == (Kind.ROLL_BACK, {}, {})
    assert state.rollout.release.release == OLD.release


# No good target left: keep serving, HALTED, page; a new approval still deploys.


def test_no_good_target_left(drill: Drill) -> None:
    name = at_rest(drill, last_good=(STABLE,))
    drill.fires(name)
    drill.tick(6)

    state = drill.world.state
    assert (state.phase, state.live, state.holder) == (Phase.HALTED, STABLE, "")
    (page,) = drill.told()
    assert "no release served endpoint/churn well and is still approved" in page

    drill.world.given_release(a_release("churn-v5"))
    drill.tick(10)
    assert drill.world.history()[-1] == "RolloutStarted"


# A person re-approves a version marked bad: lifted only after our Rejected had been confirmed.


def test_a_bad_version_is_approved_again_by_a_person(drill: Drill) -> None:
    drill.bakes()
    drill.fires(drill.watched(CANARY, "ALARM"))
    drill.takes_back()
    assert drill.world.state.bad["churn-v4"].rejected_at

    drill.world.decide(a_package_arn(4), "Approved")
    drill.tick(20)

    assert drill.world.state.bad == {}
    assert drill.world.state.wanted


def test_a_rejection_that_failed_is_repeated_and_the_old_approval_is_no_new_one(
    drill: Drill, faults: Faults
) -> None:
    drill.bakes()
    drill.fires(drill.watched(CANARY, "ALARM"))
    with faults.refusing("UpdateModelPackage", "AccessDeniedException"):
        drill.takes_back()
        assert drill.world.approval_of(a_package_arn(4)) == "Approved"
        drill.tick(10)
    state = drill.world.state
    assert state.bad["churn-v4"].rejected_at is None
    assert (state.wanted, set(state.bad)) == (None, {"churn-v4"})

    drill.tick(15)

    assert drill.world.approval_of(a_package_arn(4)) == "Rejected"
    assert drill.world.state.bad["churn-v4"].rejected_at
    assert drill.world.state.wanted is None
