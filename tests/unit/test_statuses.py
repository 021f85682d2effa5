"""SageMaker's nine endpoint statuses: what each allows, and what a target at rest needs in it."""

from __future__ import annotations

import boto3
import pytest

from sluice.domain.mending import mend
from sluice.domain.moves import Idle
from sluice.domain.rollout import Kind
from sluice.domain.starting import Start
from sluice.domain.statuses import Allowed, allowed
from tests.builders import AT, STABLE, a_release_name, a_state, deployed

OLD = deployed(2, epoch=2)
APPROVED = {a_release_name("churn-v2"), a_release_name("churn-v3")}
AT_REST = a_state(last_good=(STABLE, OLD))


def test_every_status_that_sagemaker_knows_has_a_row() -> None:
    model = boto3.client("sagemaker", region_name="us-east-1").meta.service_model
    statuses = set(model.shape_for("EndpointStatus").enum)  # type: ignore[attr-defined]

    assert statuses == {
        "Creating",
        "Updating",
        "SystemUpdating",
        "RollingBack",
        "InService",
        "OutOfService",
        "Deleting",
        "Failed",
        "UpdateRollbackFailed",
    }
    assert {status for status in statuses if allowed(status) is Allowed.ACT} == {"InService"}


def test_in_service_leaves_a_target_at_rest_alone() -> None:
    assert allowed("InService") is Allowed.ACT
    assert mend(AT_REST, "InService", approved=APPROVED, now=AT) is None


@pytest.mark.parametrize(
    "status", ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "Unheard"]
)
def test_while_sagemaker_works_nothing_is_done(status: str) -> None:
    assert allowed(status) is Allowed.WAIT
    assert mend(AT_REST, status, approved=APPROVED, now=AT) is None


@pytest.mark.parametrize("status", ["OutOfService", "UpdateRollbackFailed"])
def test_what_does_not_serve_as_one_is_put_on_the_good_configuration_again(status: str) -> None:
    assert allowed(status) is Allowed.REISSUE

    move = mend(AT_REST, status, approved=APPROVED, now=AT)

    assert isinstance(move, Start)
    assert (move.rollout.kind, move.rollout.settle_config) == (Kind.SETTLE, STABLE.endpoint_config)
    assert move.rollout.reason == f"the endpoint is {status}: back to churn-v3-e3"


@pytest.mark.parametrize("status", ["Failed", None], ids=["Failed", "deleted by hand"])
def test_what_is_lost_is_created_afresh_from_the_last_good_release(status: str | None) -> None:
    move = mend(AT_REST, status, approved=APPROVED, now=AT)

    assert isinstance(move, Start)
    assert (move.rollout.kind, str(move.rollout.release.release)) == (Kind.ROLL_BACK, "churn-v3")
    assert move.rollout.release.variant == "v3-e5", "a new epoch: nothing of it exists"
    (event,) = move.change.events
    assert event.event == "RolloutStarted"
    assert "the endpoint" in event.reason


def test_failed_allows_a_delete_and_nothing_else() -> None:
    assert allowed("Failed") is Allowed.RECREATE


@pytest.mark.parametrize("status", ["Failed", "UpdateRollbackFailed", None])
def test_a_target_that_is_held_or_never_served_is_not_mended(status: str | None) -> None:
    never = a_state(live=None, last_good=())
    held = a_state(holder="churn-g1-e4")

    assert mend(never, status, approved=APPROVED, now=AT) is None
    assert mend(held, status, approved=APPROVED, now=AT) is None


def test_what_is_not_approved_or_marked_is_not_put_up_again() -> None:
    move = mend(AT_REST, "Failed", approved={a_release_name("churn-v2")}, now=AT)

    assert isinstance(move, Start)
    assert str(move.rollout.release.release) == "churn-v2"


def test_an_endpoint_that_serves_again_ends_the_incident() -> None:
    move = mend(AT_REST, "Failed", approved=APPROVED, now=AT)
    assert isinstance(move, Start)
    incident = move.change.state.incident
    after = a_state(incident=incident)

    again = mend(after, "InService", approved=APPROVED, now=AT)

    assert isinstance(again, Idle)
    assert again.change
    assert again.change.state.incident is None
