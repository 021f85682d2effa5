"""Which event makes us look at what; the events are AWS's published shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sluice.domain.release import ApprovalChange, ApprovalStatus
from sluice.events.triggers import (
    GroupDue,
    PackageChanged,
    TargetDue,
    Tick,
    Trigger,
    look_at,
    parse_trigger,
    parse_triggers,
    survey_of,
)
from tests.builders import AT, TARGET, a_package_arn, an_event


def a_package_event(**detail: Any) -> dict[str, Any]:
    event = an_event("sagemaker_model_package_approved")
    return {**event, "detail": {**event["detail"], **detail}}


def told(status: ApprovalStatus) -> ApprovalChange:
    return ApprovalChange(
        status=status,
        last_modified=datetime(2026, 5, 3, 13, 59, 58, tzinfo=UTC),
        actor="unknown",
        observed_at=AT,
    )


@pytest.mark.parametrize(
    ("event", "trigger"),
    [
        pytest.param(
            an_event("sagemaker_model_package_approved"),
            PackageChanged(a_package_arn(4), AT),
            id="a package was approved",
        ),
        pytest.param(
            a_package_event(
                ModelApprovalStatus="Rejected", LastModifiedTime="2026-05-03T13:59:58Z"
            ),
            PackageChanged(a_package_arn(4), AT, told(ApprovalStatus.REJECTED)),
            id="a package was rejected, and when",
        ),
        pytest.param(
            a_package_event(
                ModelApprovalStatus="PendingManualApproval", LastModifiedTime="2026-05-03T13:59:58Z"
            ),
            PackageChanged(a_package_arn(4), AT, told(ApprovalStatus.PENDING)),
            id="a package was set to pending, and when",
        ),
        pytest.param(
            a_package_event(
                ModelApprovalStatus="Rejected", UpdatedModelPackageFields=["ApprovalDescription"]
            ),
            PackageChanged(a_package_arn(4), AT),
            id="something else of a rejected package was changed",
        ),
        pytest.param(
            a_package_event(ModelApprovalStatus="Rejected", LastModifiedTime=None),
            PackageChanged(a_package_arn(4), AT),
            id="a package was rejected, nobody says when",
        ),
        pytest.param(
            a_package_event(
                ModelApprovalStatus="Rejected",
                UpdatedModelPackageFields=None,
                LastModifiedTime="soon",
            ),
            PackageChanged(a_package_arn(4), AT),
            id="a package was changed, in words that nobody can read",
        ),
        pytest.param(
            an_event("sagemaker_endpoint_in_service"),
            TargetDue(TARGET, AT, hint=True),
            id="an endpoint changed; its time is in milliseconds",
        ),
        pytest.param(
            an_event("states_execution_ended"),
            TargetDue(TARGET, datetime(2026, 5, 3, 15, tzinfo=UTC)),
            id="a rollout ended",
        ),
        pytest.param(
            an_event("events_scheduled"),
            Tick(datetime(2026, 5, 3, 14, 10, tzinfo=UTC)),
            id="the schedule",
        ),
        pytest.param(
            an_event("events_scheduled")
            | {
                "source": "sluice",
                "detail-type": "ReleaseRolledBack",
                "detail": {"target": "application/support", "partner": TARGET},
            },
            TargetDue(TARGET, datetime(2026, 5, 3, 14, 10, tzinfo=UTC)),
            id="what moves with a target's release was taken back",
        ),
        pytest.param(
            {"target": TARGET, "at": "2026-05-03T14:00:00.000Z"},
            TargetDue(TARGET, AT),
            id="one of our functions asks",
        ),
    ],
)
def test_an_event_says_what_to_look_at(event: dict[str, Any], trigger: Trigger) -> None:
    assert parse_trigger(event) == trigger


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"target": TARGET}, id="no time"),
        pytest.param(an_event("s3_object_created"), id="an upload"),
        pytest.param(an_event("cloudwatch_alarm_single_metric"), id="an alarm"),
        pytest.param(an_event("events_scheduled") | {"source": "aws.evil"}, id="nobody we know"),
        pytest.param(
            an_event("sagemaker_endpoint_in_service") | {"detail": {}}, id="without its detail"
        ),
    ],
)
def test_any_other_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_trigger(event)


def test_a_batch_asks_for_each_of_its_looks() -> None:
    bodies = [look_at(target, at=AT) for target in (TARGET, "endpoint/other")]
    batch = {"Records": [{"messageId": "m", "body": body} for body in bodies]}

    assert parse_triggers(batch) == (TargetDue(TARGET, AT), TargetDue("endpoint/other", AT))


def test_a_group_is_surveyed_by_message() -> None:
    batch = {"Records": [{"messageId": "m", "body": survey_of("churn", at=AT)}]}

    assert parse_triggers(batch) == (GroupDue("churn", AT),)


def test_an_event_asks_for_one_thing() -> None:
    event = an_event("events_scheduled")

    assert parse_triggers(event) == (parse_trigger(event),)
