"""What an approval starts: whichever events tell of it, in whatever order, or none."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from tests.e2e.deliveries import APPROVALS, an_approval_event, invoke, late, losing
from tests.e2e.folders import plan
from tests.e2e.line import Line

RECONCILE = "ReconcileTargetFunction"


def test_the_newest_approval_wins_whatever_the_version_numbers_say(churn: Line) -> None:
    churn.push(1, rollout=plan(bake_minutes={"min": 1, "max": 10, "last": 10}))
    churn.push(2)
    churn.push(3)
    churn.approve(1)
    churn.until_event("RolloutStarted", 1)

    churn.approve(3)
    churn.until_event("Approved", 3)
    churn.approve(2)
    churn.until_event("Approved", 2)
    churn.until_serving({1: 100})
    users = churn.users()
    churn.until_event("Promoted", 2)

    assert ("Superseded", 3) in churn.events()
    churn.until_event("Settled", 2)
    assert ("RolloutStarted", 3) not in churn.events()
    assert len(churn.executions()) == 2
    assert users.errors == []


def test_an_approval_that_no_event_tells_of_is_found_by_the_schedule(churn: Line) -> None:
    churn.push(1)

    with losing(churn, APPROVALS):
        churn.approve(1)
        churn.until_event("Approved", 1, minutes=12)
    churn.until_serving({1: 100})


def test_an_approval_whose_event_comes_long_after_the_schedule_found_it_starts_once(
    churn: Line,
) -> None:
    churn.push(1)
    approved = datetime.fromisoformat(churn.now())

    with late(churn, APPROVALS, minutes=15):
        churn.approve(1)
        churn.until_event("Approved", 1, minutes=12)
    churn.until_serving({1: 100})
    come = (approved + timedelta(minutes=17)).isoformat()
    churn.until("the event has come", lambda: churn.now() > come or None)

    assert len(churn.executions()) == 1
    assert churn.events().count(("Approved", 1)) == 1


def test_of_approvals_found_together_the_highest_version_wins(churn: Line) -> None:
    for version in (1, 2, 3):
        churn.push(version)

    with losing(churn, APPROVALS):
        with ThreadPoolExecutor(3) as people:  # at once: between two looks of the schedule
            list(people.map(churn.approve, (2, 3, 1)))
        churn.until_serving({3: 100})

    assert ("RolloutStarted", 1) not in churn.events()
    assert ("RolloutStarted", 2) not in churn.events()


def test_an_event_that_comes_before_its_approval_starts_nothing(churn: Line) -> None:
    churn.push(1)

    invoke(churn, RECONCILE, an_approval_event(churn, 1, "Approved"))
    assert churn.executions() == {}
    assert churn.history() == []

    churn.approve(1)
    churn.until_serving({1: 100})


def test_an_approval_taken_back_starts_nothing_in_whatever_order_events_come(churn: Line) -> None:
    churn.push(1)

    with losing(churn, APPROVALS):
        churn.approve(1)
        churn.reject(1)
        invoke(churn, RECONCILE, an_approval_event(churn, 1, "Rejected"))
        invoke(churn, RECONCILE, an_approval_event(churn, 1, "Approved"))

    assert churn.executions() == {}
    assert "wanted" not in churn.state()
    assert churn.endpoint() == {}


def test_an_approval_ends_a_rollout_that_is_held_and_no_other(churn: Line) -> None:
    churn.serve_first()
    churn.leave()
    churn.push(2, rollout=plan(bake_minutes={"min": 1, "max": 2, "last": 1}))
    churn.push(3)
    churn.approve(2)
    churn.until_phase("Held")

    churn.approve(3)
    superseded = churn.until_event("Superseded", 2)
    churn.until_event("RolloutStarted", 3)

    assert superseded["reason"] == f"superseded by {churn.name}-v3 while it was held"
    assert "bad" not in churn.state()
    assert churn.package(2)["ModelApprovalStatus"] == "Approved"
