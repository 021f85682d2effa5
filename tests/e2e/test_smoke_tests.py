"""A version answers its own request before users are sent to it."""

import time
from typing import Any

from tests.e2e.folders import USUAL, inference, plan
from tests.e2e.line import Line


def smoke(says: str, **changes: Any) -> dict[str, Any]:
    """A smoke test whose answer is what the version should say."""
    return {"content_type": "text/csv", "body": USUAL, "expect": {"contains": says}, **changes}


def is_our_rejection(entry: dict[str, Any]) -> bool:
    """Whether it tells that a role of the stack rejected the package.

    It is told when the event of it is handled before whoever rejected has noted that he did.
    """
    return entry["event"] == "Rejected" and ":assumed-role/sluice-" in entry["reason"]


def test_a_canary_that_answers_its_smoke_test_wrongly_serves_nobody_and_is_rejected(
    churn: Line,
) -> None:
    users = churn.serve_first()
    churn.push(2, smoke_test=smoke("something better"))

    churn.approve(2)
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)

    assert "SMOKE_TEST_FAILED: it does not contain 'something better'" in aborted["reason"]
    told = [one for one in churn.history() if one["release"]["version"] == 2]
    assert [one["event"] for one in told if not is_our_rejection(one)] == [
        "Approved",
        "RolloutStarted",
        "SmokeTested",
        "Aborted",
        "Settled",
    ]
    churn.until_serving({1: 100})
    assert users.errors == []
    assert users.served_by() == {1: len(users.answers)}, "no user ever met version 2"
    assert churn.package(2)["ModelApprovalStatus"] == "Rejected"
    assert churn.state()["bad"].keys() == {f"{churn.name}-v2"}
    assert churn.calls("sagemaker:UpdateEndpointWeightsAndCapacities") == []


def test_a_canary_that_passes_its_smoke_test_goes_on_to_users(churn: Line) -> None:
    users = churn.serve_first(smoke_test=smoke("1"))
    churn.push(2, smoke_test=smoke("2", warm_up_seconds=0))

    churn.approve(2)
    churn.until_event("Settled", 2)

    churn.until_serving({2: 100})
    assert users.errors == []
    tested = [entry["reason"] for entry in churn.history() if entry["event"] == "SmokeTested"]
    assert len(tested) == 2
    assert all(reason.startswith("200 in ") for reason in tested)


def test_the_request_of_the_smoke_test_is_no_evidence_for_a_canary(churn: Line) -> None:
    churn.serve_first()
    churn.leave()
    bake = {"min": 1, "max": 2, "last": 1}
    churn.push(2, smoke_test=smoke("2"), rollout=plan(bake_minutes=bake))

    churn.approve(2)
    churn.until_phase("Held")
    time.sleep(2)  # two minutes of the cloud, in each of which it is looked at

    assert churn.state()["phase"] == "Held"
    assert churn.weights() == {1: 50, 2: 50}


def test_a_first_version_that_fails_its_smoke_test_leaves_no_endpoint_behind(churn: Line) -> None:
    churn.push(1, inference(1, fails_on=(USUAL,)), smoke_test=smoke("1", warm_up_seconds=0))

    churn.approve(1)
    aborted = churn.until_event("Aborted", 1)
    churn.until_event("Settled", 1)

    assert "SMOKE_TEST_FAILED: it answered 500 instead of 200" in aborted["reason"]
    assert churn.endpoint() == {}
    assert churn.package(1)["ModelApprovalStatus"] == "Rejected"
