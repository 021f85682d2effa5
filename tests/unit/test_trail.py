"""Who did what, as CloudTrail's records tell it, and which record is behind what was seen."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from sluice.domain.release import ApprovalChange, ApprovalStatus
from sluice.domain.trail import Actor, Trail, approver
from sluice.events.trails import CallRecorded
from tests.builders import AT, a_manifest, a_package_arn, after, an_event

PUT, UPDATE = "cloudtrail_put_object", "cloudtrail_update_model_package"


def a_record(name: str = PUT, **detail: Any) -> CallRecorded:
    event = an_event(name)
    event["detail"] |= detail
    return CallRecorded.model_validate_json(json.dumps(event))


def a_decision(at: datetime = AT, **changes: Any) -> Trail:
    usual = {
        "event_id": f"e-{at:%H%M%S}",
        "call": "UpdateModelPackage",
        "at": at,
        "actor": Actor(name="ada"),
        "package_arn": a_package_arn(4),
        "status": ApprovalStatus.APPROVED,
    }
    return Trail.model_validate({**usual, **changes})


def seen(at: datetime = AT, status: ApprovalStatus = ApprovalStatus.APPROVED) -> ApprovalChange:
    return ApprovalChange(status=status, last_modified=at, actor="unknown", observed_at=at)


def test_a_push_is_told_with_its_version_its_session_and_whom_that_was_opened_for() -> None:
    trail = a_record().trail

    assert (trail.call, trail.key) == ("PutObject", "models/churn-v4/model.tar.gz")
    assert trail.version_id == "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"
    assert trail.request_id == "2BTM82MWJ65M4YB4"
    assert trail.actor == Actor(
        name="arn:aws:sts::123456789012:assumed-role/pushers/mia",
        role="arn:aws:iam::123456789012:role/pushers",
        source_identity="mia@example.com",
    )


def test_a_decision_is_told_with_its_package_and_the_status_that_was_set() -> None:
    trail = a_record(UPDATE).trail

    assert (trail.package_arn, trail.status) == (a_package_arn(4), ApprovalStatus.APPROVED)
    assert (trail.group, trail.actor.name) == ("churn", "arn:aws:iam::123456789012:user/ada")


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ({"type": "AWSService", "invokedBy": "batch.amazonaws.com"}, "batch.amazonaws.com"),
        (
            {"type": "AWSAccount", "accountId": "999999999999", "principalId": "AIDAEXAMPLE"},
            "999999999999/AIDAEXAMPLE",
        ),
        ({"type": "IdentityCenterUser", "accountId": "123456789012"}, "123456789012"),
        ({"type": "Unknown"}, "unknown"),
    ],
)
def test_who_has_no_arn_is_called_by_what_cloudtrail_tells(
    identity: dict[str, str], name: str
) -> None:
    assert a_record(userIdentity=identity).trail.actor == Actor(name=name)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        pytest.param(PUT, {"errorCode": "AccessDenied"}, id="a push that failed"),
        pytest.param(UPDATE, {"errorCode": "AccessDenied"}, id="an approval that failed"),
        pytest.param(PUT, {"eventName": "GetObject"}, id="a read"),
        pytest.param(PUT, {"requestParameters": {}}, id="no object"),
        pytest.param(
            UPDATE, {"requestParameters": {"modelPackageArn": a_package_arn(4)}}, id="no decision"
        ),
        pytest.param(
            UPDATE,
            {"requestParameters": {"modelPackageArn": "x", "modelApprovalStatus": "Maybe"}},
            id="a status that there is not",
        ),
        pytest.param(PUT, {"eventID": "e" * 200}, id="more than CloudTrail writes"),
    ],
)
def test_what_was_not_done_or_concerns_nothing_is_no_trail(
    name: str, detail: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        a_record(name, **detail)


def test_an_object_version_is_recognised_by_its_version_else_by_the_request() -> None:
    (one, *_) = (one for one in a_manifest().objects if one.name == "model.tar.gz")
    asked = one.model_copy(update={"request_id": "R1"})
    trail = a_record().trail.model_copy(update={"version_id": one.version_id})
    untold = trail.model_copy(update={"version_id": "", "request_id": "R1"})

    assert trail.wrote(one)
    assert not trail.model_copy(update={"version_id": "another"}).wrote(one)
    assert not trail.model_copy(update={"key": "models/churn-v5/model.tar.gz"}).wrote(one)
    assert untold.wrote(asked)
    assert not untold.wrote(one), "no event told the request that wrote it"
    assert not untold.model_copy(update={"request_id": ""}).wrote(one)


def test_the_approver_made_the_newest_decision_before_the_approval_was_seen() -> None:
    early = a_decision(after(-600), actor=Actor(name="bob"))
    last = a_decision(after(-1))
    later = a_decision(after(60), actor=Actor(name="eve"))

    assert approver([later, early, last], seen()) == last
    assert approver([a_decision(after(3))], seen()) == a_decision(after(3)), "two clocks"
    assert approver([later], seen()) is None
    assert approver([], seen()) is None


def test_whoever_approved_before_a_rejection_did_not_approve_what_was_seen() -> None:
    approved = a_decision(after(-600))
    rejected = a_decision(after(-300), status=ApprovalStatus.REJECTED)

    assert approver([approved, rejected], seen()) is None
    assert approver([approved, rejected], seen(status=ApprovalStatus.REJECTED)) == rejected
    assert approver([approved], seen(AT + timedelta(hours=3))) == approved, "edited since"
