"""Every way back: from a canary, from stand-by, from a settled release, and when there is none."""

import math
import time

from tests.e2e.deliveries import ALARMS, losing
from tests.e2e.folders import STRANGE, USUAL, inference, plan
from tests.e2e.line import Line
from tests.e2e.users import Users

_WEIGHTS = "sagemaker:UpdateEndpointWeightsAndCapacities"
_UPDATE = "sagemaker:UpdateEndpoint"
FAILS = (USUAL, STRANGE)
FAILS_LATER = (STRANGE,)


def assert_rejected(line: Line, version: int) -> None:
    """The version is marked bad, its package Rejected, both with the alarm as the reason."""
    alarm = f"alarm sluice-{line.name}-v{version}-"
    package = line.package(version)
    assert package["ModelApprovalStatus"] == "Rejected"
    assert package["ApprovalDescription"].startswith(alarm)
    assert line.state()["bad"][f"{line.name}-v{version}"]["reason"].startswith(alarm)


def assert_only_the_canary_hurt(users: Users, version: int, share: float) -> None:
    """Errors came from the canary alone, and were no more than its share of the requests."""
    asked = [n for n, answer in enumerate(users.answers) if answer.version == version]
    during = users.answers[asked[0] : asked[-1] + 1]
    allowed = share * len(during) + 4 * math.sqrt(share * (1 - share) * len(during)) + 1
    assert {answer.version for answer in users.errors} == {version}
    assert 0 < len(users.errors) <= allowed


def test_a_canary_that_fails_goes_back_before_most_users_meet_it(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, inference(2, fails_on=FAILS), rollout=plan(steps=[25, 50, 100]))
    churn.seen.clear()

    churn.approve(2)
    churn.until_event("Aborted", 2)
    back = time.monotonic()
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert max(weights.get(2, 0) for weights in churn.seen) == 25
    assert_only_the_canary_hurt(users, 2, share=0.25)
    assert set(users.served_by(since=back)) == {1}
    assert_rejected(churn, 2)
    assert churn.last_good() == [1]
    assert not [name for name in churn.alarms() if "-v2-" in name]


def test_an_alarm_that_no_event_tells_of_is_found_by_looking(churn: Line) -> None:
    churn.serve_first()
    churn.push(2, inference(2, fails_on=FAILS))

    with losing(churn, ALARMS):
        churn.approve(2)
        churn.until_event("Aborted", 2)

    assert "AlarmFired" not in [event for event, _ in churn.events()], "the event was not lost"
    assert_rejected(churn, 2)
    churn.until_serving({1: 100})


def test_an_alarm_during_stand_by_is_one_weight_change(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, inference(2, fails_on=FAILS_LATER), rollout=plan(standby_minutes=60))
    churn.approve(2)
    churn.until_event("Promoted", 2)
    churn.until_phase("StandingBy")
    assert users.errors == []
    since = churn.now()

    users.say(STRANGE)
    churn.until("version 1 has all traffic", lambda: churn.weights().get(1) == 100 or None)
    back = time.monotonic()
    assert churn.calls(_WEIGHTS, _UPDATE, since=since)[0] == _WEIGHTS
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert churn.calls(_WEIGHTS, _UPDATE, since=since) == [_WEIGHTS, _UPDATE]
    assert ("RolledBack", 2) in churn.events()
    assert churn.state()["live"]["release"]["version"] == 1
    assert set(users.served_by(since=back)) == {1}
    assert_rejected(churn, 2)


def test_an_alarm_on_a_settled_release_brings_back_the_last_good_one(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, inference(2, fails_on=FAILS_LATER))
    churn.approve(2)
    settled = churn.until_event("Settled", 2)
    assert churn.last_good() == [2, 1]

    users.say(STRANGE)
    churn.until_event("RolledBack", 1, after=settled["n"])
    churn.until_event("Settled", 1, after=settled["n"])
    churn.until_serving({1: 100})

    later = [event for event, _ in churn.events()[settled["n"] :]]
    assert later == ["AlarmFired", "RolloutStarted", "RolledBack", "Settled"], "no canary"
    state = churn.state()
    assert list(state["suspect"]) == [f"{churn.name}-v2"]
    assert "bad" not in state
    assert churn.package(2)["ModelApprovalStatus"] == "Approved", "it had served well"
    assert {answer.version for answer in users.errors} == {2}


def test_rejecting_the_live_version_brings_back_the_last_good_one(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2)
    churn.approve(2)
    settled = churn.until_event("Settled", 2)

    churn.reject(2)
    churn.until_event("RolledBack", 1, after=settled["n"])
    churn.until_serving({1: 100})

    assert users.errors == []
    assert not {"bad", "suspect"} & churn.state().keys(), "a person's wish is nobody's fault"
    assert churn.package(2)["ApprovalDescription"] == "a person said so"


def test_rejecting_a_canary_ends_it_without_a_mark(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, rollout=plan(bake_minutes={"min": 60, "max": 60, "last": 60}))
    churn.approve(2)
    churn.until_phase("Baking")

    churn.reject(2)
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert aborted["reason"].startswith("rejected by")
    assert "bad" not in churn.state()
    assert users.errors == []


def test_with_nothing_good_left_it_goes_on_serving_until_a_fix_is_approved(churn: Line) -> None:
    users = churn.serve_first(inference(1, fails_on=FAILS_LATER))

    users.say(STRANGE)
    halted = churn.until_event("Halted", 1)
    assert churn.state()["phase"] == "Halted"
    assert churn.weights() == {1: 100}
    assert "is still approved" in halted["reason"]

    churn.push(2)
    churn.approve(2)
    churn.until_event("Settled", 2)
    churn.until_serving({2: 100})

    assert churn.state()["phase"] == "Idle"
    assert {answer.version for answer in users.errors} == {1}


def test_an_alarm_on_a_settled_release_that_no_event_tells_of_is_found_by_the_schedule(
    churn: Line,
) -> None:
    users = churn.serve_first()
    churn.push(2, inference(2, fails_on=FAILS_LATER))
    churn.approve(2)
    churn.until_event("Settled", 2)

    with losing(churn, ALARMS):
        users.say(STRANGE)
        churn.until_event("RolledBack", 1)

    users.say(USUAL)
    churn.until_serving({1: 100})
    assert churn.package(2)["ModelApprovalStatus"] == "Approved"
    assert f"{churn.name}-v2" in churn.state()["suspect"]


def test_an_alarm_in_a_maintenance_window_is_acted_on_when_the_window_ends(churn: Line) -> None:
    churn.serve_first()
    churn.push(2, inference(2, fails_on=FAILS))

    with churn.muted(f"sluice-{churn.name}-v2-e2-errors"):
        churn.approve(2)
        ignored = churn.until_event("AlarmIgnored", 2)
        assert churn.weights()[2] > 0
        assert "Aborted" not in [event for event, _ in churn.events()]
    churn.until_event("Aborted", 2)

    assert ignored["reason"].startswith("MUTED")
    assert_rejected(churn, 2)
    churn.until_serving({1: 100})


def test_a_first_version_that_nobody_asked_in_time_earns_its_place_beside_a_canary(
    churn: Line,
) -> None:
    churn.push(1)
    churn.approve(1)
    churn.until_event("Settled", 1)
    assert churn.last_good() == []
    assert "no rollback lands on it" in churn.history()[-1]["reason"]
    churn.users()
    churn.push(2)

    churn.approve(2)
    settled = churn.until_event("Settled", 2)
    assert churn.last_good() == [2, 1]
    churn.reject(2)
    churn.until_event("RolledBack", 1, after=settled["n"])

    churn.until_serving({1: 100})
