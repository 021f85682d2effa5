"""Events in at `reconcile_target`, as tests of it say them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.builders import AT, a_package_arn, an_event, deployed

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.rollouts import World

APPROVED = an_event("sagemaker_model_package_approved")
ENDED = an_event("states_execution_ended")
TICK = an_event("events_scheduled")
OLD = deployed(2, epoch=2)


def changed(version: int, group: str = "churn") -> dict[str, Any]:
    """SageMaker tells that a package changed; what of it, the handler reads itself."""
    event: dict[str, Any] = json.loads(json.dumps(APPROVED))
    event["detail"]["ModelPackageArn"] = a_package_arn(version, group)
    event["detail"]["ModelApprovalStatus"] = "Approved"
    return event


def told(version: int, status: str, at: datetime) -> dict[str, Any]:
    """SageMaker tells that a package's status became this at that time."""
    event = changed(version)
    event["detail"] |= {"ModelApprovalStatus": status, "LastModifiedTime": at.isoformat()}
    return event


def reconcile(world: World, event: dict[str, Any]) -> list[str]:
    answers: list[str] = world.call("reconcile_target", event)["answers"]
    return answers


def tick(after: timedelta = timedelta(0)) -> dict[str, Any]:
    """The schedule asks, that long after `AT`."""
    return {**TICK, "time": (AT + after).isoformat()}
