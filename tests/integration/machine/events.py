"""What AWS's services say when something happened, after the samples in `events/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.builders import an_event
from tests.integration.machine.clock import iso

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.machine.executions import Execution

APPROVED = an_event("sagemaker_model_package_approved")
FIRED = an_event("cloudwatch_alarm_single_metric")
SETTLED = an_event("sagemaker_endpoint_in_service")
ENDED = an_event("states_execution_ended")
TICK = an_event("events_scheduled")


def package_event(
    arn: str, at: datetime, *, status: str = "Approved", modified: datetime | None = None
) -> dict[str, Any]:
    """SageMaker says that a package's approval status was changed, when `at` says nothing else."""
    detail = {
        **APPROVED["detail"],
        "ModelPackageArn": arn,
        "ModelApprovalStatus": status,
        "LastModifiedTime": whole_seconds(modified or at),
    }
    return {**APPROVED, "time": whole_seconds(at), "detail": detail}


def endpoint_event(name: str, config: str, at: datetime) -> dict[str, Any]:
    """SageMaker says that an endpoint is in service."""
    detail = {**SETTLED["detail"], "EndpointName": name, "EndpointConfigName": config}
    return {**SETTLED, "time": str(int(at.timestamp() * 1000)), "detail": detail}


def alarm_event(arn: str, state: str, at: datetime, *, muted: bool = False) -> dict[str, Any]:
    """CloudWatch says that an alarm changed its state."""
    detail = {
        **FIRED["detail"],
        "alarmName": arn.rpartition(":")[2],
        "state": {**FIRED["detail"]["state"], "value": state, "timestamp": iso(at)},
    }
    if muted:
        detail["muteDetail"] = an_event("cloudwatch_alarm_muted")["detail"]["muteDetail"]
    return {**FIRED, "time": whole_seconds(at), "resources": [arn], "detail": detail}


def ended_event(execution: Execution, at: datetime) -> dict[str, Any]:
    """Step Functions says that an execution ended."""
    detail = {
        **ENDED["detail"],
        "name": execution.name,
        "status": execution.status,
        "input": execution.given,
    }
    return {**ENDED, "time": whole_seconds(at), "detail": detail}


def our_event(kind: str, detail: dict[str, Any], at: datetime) -> dict[str, Any]:
    """What we put on the bus ourselves."""
    told = {"source": "sluice", "detail-type": kind, "detail": detail}
    return {**TICK, **told, "time": whole_seconds(at)}


def tick_event(at: datetime) -> dict[str, Any]:
    """The schedule's turn."""
    return {**TICK, "time": whole_seconds(at)}


def whole_seconds(at: datetime) -> str:
    """EventBridge's `time` has whole seconds."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
