"""From an approval to all traffic, and what is in the way of it."""

import time

from tests.e2e.folders import USUAL, inference, plan
from tests.e2e.line import Line

PROMOTION = ["Approved", "RolloutStarted", "Shifted", "Shifted", "Shifted", "Promoted", "Settled"]


def test_a_better_version_takes_over_step_by_step_and_nobody_notices(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, rollout=plan(steps=[10, 50, 100], standby_minutes=5))
    churn.seen.clear()

    churn.approve(2)
    churn.until_event("Promoted", 2)
    churn.until_phase("StandingBy")
    assert churn.weights() == {1: 0, 2: 100}, "version 1 stands by"
    churn.until_event("Settled", 2)
    churn.until_serving({2: 100})

    shares = [weights.get(2, 0) for weights in churn.seen]
    assert shares == sorted(shares), "the canary's share only ever grew"
    assert {0, 10, 50, 100} == set(shares)
    assert [event for event, version in churn.events() if version == 2] == PROMOTION
    assert users.errors == []
    assert all(answer.said == str(answer.version) for answer in users.answers)


def test_when_a_rollout_has_ended_nothing_of_it_is_left_but_what_it_brought(churn: Line) -> None:
    churn.serve_first()
    churn.push(2)
    churn.approve(2)
    churn.until_event("Settled", 2)

    state = churn.state()
    assert state["phase"] == "Idle"
    assert not {"holder", "rollout", "token", "signal", "wanted"} & state.keys()
    assert state["live"]["release"]["version"] == 2
    assert churn.last_good() == [2, 1]
    assert {name.split("-v")[-1].split("-")[0] for name in churn.alarms()} == {"2"}
    assert set(churn.until_ended().values()) == {"SUCCEEDED"}
    assert [one["ModelApprovalStatus"] for one in churn.packages()] == ["Approved"] * 2
    assert churn.calls("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint") == [
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpoint",  # version 2 beside version 1
        "sagemaker:UpdateEndpoint",  # and alone
    ]


def test_a_canary_without_traffic_is_held_until_users_come(churn: Line) -> None:
    churn.serve_first()
    churn.leave()
    churn.push(2, rollout=plan(bake_minutes={"min": 1, "max": 2, "last": 1}))

    churn.approve(2)
    churn.until_phase("Held")
    time.sleep(2)  # two minutes of the cloud, in each of which it is looked at
    assert churn.state()["phase"] == "Held"
    assert churn.weights() == {1: 50, 2: 50}
    assert ("Promoted", 2) not in churn.events()

    users = churn.users()
    churn.until_event("Promoted", 2)
    churn.until_serving({2: 100})
    assert users.errors == []


def test_a_first_version_that_does_not_start_leaves_no_endpoint_behind(churn: Line) -> None:
    churn.push(1, inference(1, starts=False))

    churn.approve(1)
    aborted = churn.until_event("Aborted", 1)
    churn.until_event("Settled", 1)

    assert "provisioning failed" in aborted["reason"]
    assert churn.endpoint() == {}
    assert "bad" not in churn.state(), "nobody was served by it"
    assert container_log(churn), "why it did not start, is where SageMaker writes it"

    churn.push(2)
    churn.approve(2)
    churn.until_serving({2: 100})


def container_log(line: Line) -> list[str]:
    """What the endpoint's containers wrote."""
    found = line.stack.client("logs").filter_log_events(
        logGroupName=f"/aws/sagemaker/Endpoints/{line.name}"
    )
    return [one["message"] for one in found["events"]]


def test_a_later_version_that_does_not_start_never_gets_traffic(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, inference(2, starts=False))

    churn.approve(2)
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)

    assert "provisioning failed" in aborted["reason"]
    assert churn.weights() == {1: 100}
    assert users.errors == []
    assert users.served_by() == {1: len(users.answers)}
    assert churn.state()["live"]["release"]["version"] == 1
    assert churn.package(2)["ModelApprovalStatus"] == "Approved", "it was not found guilty"


def test_two_endpoints_roll_out_side_by_side_without_disturbing_each_other(
    churn: Line, fraud: Line
) -> None:
    for line in (churn, fraud):
        line.push(1)
        line.approve(1)
    for line in (churn, fraud):
        line.until_serving({1: 100})
    users, others = churn.users(), fraud.users()
    churn.push(2)
    fraud.push(2, inference(2, fails_on=(USUAL,)))

    churn.approve(2)
    fraud.approve(2)
    fraud.until_event("Aborted", 2)
    churn.until_event("Promoted", 2)
    churn.until_serving({2: 100})
    fraud.until_serving({1: 100})

    assert users.errors == []
    assert {answer.version for answer in others.errors} == {2}
    assert ("AlarmFired", 2) not in churn.events()
