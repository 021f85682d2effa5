"""Blue/green deployments: traffic goes to the new fleet in steps, and back when an alarm goes off.

AWS falls back to all at once, without a bake, when the new variants have other names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud.clock import clock
from localcloud.sagemaker import traffic
from localcloud.sagemaker.artifacts import client
from localcloud.sagemaker.errors import invalid
from localcloud.sagemaker.state import Deployment, Endpoint, Variant, lock
from localcloud.sagemaker.timing import wait_until
from localcloud.sagemaker.traffic import Side

_LOOK_SECONDS = 15.0
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Step:
    """A share of the traffic for the new fleet, and how long the alarms watch it."""

    share: float
    seconds: float


def check(deployment_config: dict[str, Any] | None, variants: list[Variant]) -> None:
    """Refuse what the local cloud cannot do, or AWS does not say, rather than do something else."""
    if deployment_config and any(variant.serverless for variant in variants):
        # "Deployment guardrails only apply to Asynchronous inference and Real-time inference
        # endpoint types" (deployment-guardrails); what becomes of one asked for is not said.
        raise invalid("Deployment guardrails do not apply to serverless endpoints")
    if deployment_config and "RollingUpdatePolicy" in deployment_config:
        raise invalid("The local cloud has no rolling deployments: use a BlueGreenUpdatePolicy")


def shift(endpoint: Endpoint, pending: Deployment, green: Side, role_arn: str) -> str | None:
    """Move the traffic in steps; return None when all went well, else why it went back."""
    with lock:
        config = endpoint.deployment_config or {}
        steps = _steps(endpoint, green, config.get("BlueGreenUpdatePolicy"))
    names = [
        alarm["AlarmName"]
        for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    ]
    for step in steps:
        with lock:
            pending.stage = "Baking" if step.share == 1 else "ActivatingTraffic"
            traffic.share(endpoint.name, green, step.share)
        failure = _bake(step, names, role_arn)
        if failure is not None:
            traffic.withdraw(endpoint.name)
            return failure
    return None


def _steps(endpoint: Endpoint, green: Side, policy: dict[str, Any] | None) -> list[Step]:
    old, new = ({v.name for v in variants} for variants in (endpoint.variants, green.variants))
    if policy is None or old != new:
        return []
    routing = policy["TrafficRoutingConfiguration"]
    wait, last = routing["WaitIntervalInSeconds"], policy.get("TerminationWaitInSeconds", 0)
    instances = sum(variant.desired_count for variant in green.variants) or 1
    shares = _shares(routing, instances)
    return [*(Step(share, wait) for share in shares), Step(1.0, last)]


def _shares(routing: dict[str, Any], instances: int) -> Iterator[float]:
    """The shares before the last, which is all."""
    match routing["Type"]:
        case "CANARY":
            yield _fraction(routing["CanarySize"], instances)
        case "LINEAR":
            size = _fraction(routing["LinearStepSize"], instances)
            taken = size
            while taken < 1:
                yield taken
                taken += size


def _fraction(capacity: dict[str, Any], instances: int) -> float:
    whole = _PERCENT if capacity["Type"] == "CAPACITY_PERCENT" else float(instances)
    return min(1.0, float(capacity["Value"]) / whole)


def _bake(step: Step, alarms: list[str], role_arn: str) -> str | None:
    until = clock.now() + step.seconds
    while True:
        ringing = _ringing(alarms, role_arn)
        if ringing:
            return f"The deployment was rolled back: {ringing}."
        if clock.now() >= until:
            return None
        if wait_until(min(until, clock.now() + _LOOK_SECONDS)):
            return "The deployment was abandoned."


def _ringing(alarms: list[str], role_arn: str) -> str | None:
    """Why the alarms say no; they are read as the model's role, which needs DescribeAlarms."""
    if not alarms:
        return None
    try:
        told = client("cloudwatch", role_arn).describe_alarms(
            AlarmNames=alarms, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
    except ClientError as error:
        return f"the alarms cannot be read ({error.response['Error']['Message']})"
    found = told["MetricAlarms"] + told["CompositeAlarms"]
    names = [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]
    return f"the alarm(s) {', '.join(names)} went off" if names else None
