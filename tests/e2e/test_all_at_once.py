"""The strategy `all_at_once`: one step of all traffic, a bake with data, stable beside it."""

from tests.e2e.folders import STRANGE, inference, plan
from tests.e2e.line import Line

ONCE = plan(strategy="all_at_once", bake_minutes={"min": 1, "max": 5, "last": 2}, standby_minutes=0)


def test_a_version_deployed_all_at_once_earns_last_good_by_its_bake(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, rollout=ONCE)
    churn.seen.clear()

    churn.approve(2)
    churn.until_event("Promoted", 2)
    churn.until_event("Settled", 2)

    assert {weights.get(2, 0) for weights in churn.seen} == {0, 100}
    shifts = [one["reason"] for one in churn.history() if one["event"] == "Shifted"]
    assert len(shifts) == 1
    assert shifts[0].endswith(" 100 %")
    assert churn.last_good() == [2, 1], "it had data and no alarm in its bake"
    assert users.errors == []


def test_an_alarm_while_all_traffic_bakes_flips_it_back_in_one_call(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, inference(2, fails_on=(STRANGE,)), rollout={**ONCE, "standby_minutes": 5})

    churn.approve(2)
    churn.until_event("Shifted", 2)
    churn.until_phase("Baking")
    users.say(STRANGE)
    churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)

    churn.until_serving({1: 100})
    assert churn.calls("sagemaker:UpdateEndpointWeightsAndCapacities") == [
        "sagemaker:UpdateEndpointWeightsAndCapacities",  # all traffic to version 2
        "sagemaker:UpdateEndpointWeightsAndCapacities",  # and back
    ]
    assert churn.package(2)["ModelApprovalStatus"] == "Rejected"
    assert churn.last_good() == [1]
