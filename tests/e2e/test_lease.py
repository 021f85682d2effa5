"""One writer per endpoint: holders that die, approvals that wait, endpoints that are lost."""

from tests.e2e.folders import plan
from tests.e2e.line import Line

_CHANGES = (
    "sagemaker:CreateEndpoint",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "sagemaker:DeleteEndpoint",
)
_LONG = {"min": 60, "max": 60, "last": 60}


def test_a_holder_that_is_stopped_is_drained_and_its_canary_goes_back(churn: Line) -> None:
    users = churn.serve_first()
    churn.push(2, rollout=plan(steps=[50, 100], bake_minutes=_LONG))
    churn.approve(2)
    churn.until_phase("Baking")
    churn.until_serving({1: 50, 2: 50})
    held, since = churn.state()["holder"], churn.now()

    stop(churn, held)
    replaced = churn.until_event("HolderReplaced", 2)
    assert churn.calls(*_CHANGES, since=since) == [], "nobody acts during the drain"
    aborted = churn.until_event("Aborted", 2)
    churn.until_event("Settled", 2)
    churn.until_serving({1: 100})

    assert aborted["execution"] != held
    assert aborted["epoch"] == replaced["epoch"]
    assert churn.calls(*_CHANGES, since=since)[0] == _CHANGES[2], "first of all the traffic"
    assert churn.executions()[held] == "ABORTED"
    assert "bad" not in churn.state(), "the version is not to blame"
    assert users.errors == []


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


def test_an_endpoint_that_was_deleted_by_hand_is_put_up_again(churn: Line) -> None:
    churn.serve_first()
    churn.leave()
    settled = churn.history()[-1]["n"]

    churn.stack.client("sagemaker").delete_endpoint(EndpointName=churn.name)
    churn.until("it is gone", lambda: not churn.endpoint() or None)
    churn.until_event("RolledBack", 1, after=settled)
    churn.until_event("Settled", 1, after=settled)

    churn.until_serving({1: 100})
    assert "incident" not in churn.state()
    assert churn.state()["phase"] == "Idle"


def test_what_serves_goes_on_serving_when_its_package_is_deleted(churn: Line) -> None:
    users = churn.serve_first()

    arn = churn.package_arn(1)
    churn.stack.client("sagemaker").delete_model_package(ModelPackageName=arn)
    churn.until_event("PackageGone", 1)

    churn.until_serving({1: 100})
    assert churn.state()["phase"] == "Idle"
    assert users.errors == []


def stop(line: Line, name: str) -> None:
    """Stop a rollout's execution, as a person or an outage would."""
    machine = line.stack.resources["RolloutStateMachine"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    line.stack.client("stepfunctions").stop_execution(executionArn=arn)
