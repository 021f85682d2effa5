"""Serverless endpoints hold one variant: strategy `guardrail` updates them, and back again."""

from typing import Any

from tests.e2e.folders import STRANGE, inference, plan
from tests.e2e.line import Line
from tests.e2e.users import Users

SERVERLESS = {"memory_size_mb": 2048, "max_concurrency": 20}


def test_a_serverless_endpoint_is_updated_and_judged_by_its_configuration(churn: Line) -> None:
    serve_first(churn)
    push(churn, 2)

    churn.approve(2)
    promoted = churn.until_event("Promoted", 2)
    churn.until_event("Settled", 2)

    assert "nothing speaks for a rollback" in promoted["reason"]
    assert churn.last_good() == [2, 1]
    endpoint, live = churn.endpoint(), churn.state()["live"]
    assert endpoint["EndpointConfigName"] == live["endpoint_config"]
    assert [one["VariantName"] for one in endpoint["ProductionVariants"]] == ["serverless"]
    assert set(churn.alarms()) == {f"sluice-{churn.name}-v2-e2-errors"}
    (alarm,) = churn.stack.client("cloudwatch").describe_alarms(AlarmNames=list(churn.alarms()))[
        "MetricAlarms"
    ]
    assert {one["Name"]: one["Value"] for one in alarm["Dimensions"]} == {
        "EndpointName": churn.name,
        "VariantName": "serverless",
        "EndpointConfigName": live["endpoint_config"],
    }


def test_an_alarm_while_it_bakes_updates_a_serverless_endpoint_back(churn: Line) -> None:
    users = serve_first(churn)
    before = churn.endpoint()["EndpointConfigName"]
    push(churn, 2, inference(2, fails_on=(STRANGE,)))

    churn.approve(2)
    churn.until_phase("Baking")
    users.say(STRANGE)
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)

    assert "alarm" in aborted["reason"]
    assert churn.endpoint()["EndpointConfigName"] == before
    assert churn.state()["live"]["release"]["version"] == 1
    assert churn.package(2)["ModelApprovalStatus"] == "Rejected"
    assert churn.calls("sagemaker:UpdateEndpoint") == ["sagemaker:UpdateEndpoint"] * 2
    assert churn.calls("sagemaker:UpdateEndpointWeightsAndCapacities") == []


def test_a_smoke_test_that_fails_updates_a_serverless_endpoint_back(churn: Line) -> None:
    serve_first(churn)
    before = churn.endpoint()["EndpointConfigName"]
    smoke = {"content_type": "text/csv", "body": "usual", "expect": {"contains": "better"}}
    push(churn, 2, smoke_test=smoke)

    churn.approve(2)
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)

    assert "SMOKE_TEST_FAILED" in aborted["reason"]
    assert churn.endpoint()["EndpointConfigName"] == before


def serve_first(line: Line) -> Users:
    """Version 1 deployed on a serverless endpoint and proven by users, whose names carry none."""
    push(line, 1)
    line.approve(1)
    line.until("it is in service", lambda: in_service(line) or None)
    users = line.users()
    line.until_event("Settled", 1)
    assert line.last_good() == [1], line.picture()
    return users


def in_service(line: Line) -> bool:
    return bool(line.endpoint().get("EndpointStatus") == "InService")


def push(line: Line, version: int, source: str = "", **config: Any) -> None:
    """Push a version for a serverless endpoint."""
    rollout = plan(strategy="guardrail")
    del rollout["steps"]
    line.push(
        version,
        source,
        **{"instance_type": ..., "serverless": SERVERLESS, "rollout": rollout, **config},
    )
