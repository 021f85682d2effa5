"""Autoscaling of the endpoint `churn`, given and read back.

moto keeps scalable targets, policies and scheduled actions, and forgets neither when a target is
deregistered; it refuses nothing. What AWS forbids is shown on the local cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.builders import STABLE, a_scalable_target

if TYPE_CHECKING:
    from tests.integration.rollouts import World

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
RESUMED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
SUSPENDED = {**RESUMED, "DynamicScalingInSuspended": True, "ScheduledScalingSuspended": True}


class Scaled:
    """What Application Auto Scaling has of the endpoint `churn`."""

    def __init__(self, world: World) -> None:
        self.client = world.aws("application-autoscaling")

    def given(self, variant: str, *, policy: str = "load") -> None:
        """The variant scales by its load, and by the clock."""
        on = self._named(variant)
        self.client.register_scalable_target(**on, MinCapacity=1, MaxCapacity=8)
        self.client.put_scaling_policy(
            **on,
            PolicyName=policy,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        )
        self.client.put_scheduled_action(
            **on,
            ScheduledActionName="morning",
            Schedule="cron(0 8 * * ? *)",
            Timezone="Europe/Berlin",
            ScalableTargetAction={"MinCapacity": 4},
        )

    def targets(self) -> dict[str, Any]:
        """Bounds and suspensions, by variant."""
        found = self.client.describe_scalable_targets(ServiceNamespace="sagemaker")
        return {
            one["ResourceId"].rsplit("/", 1)[-1]: (
                one["MinCapacity"],
                one["MaxCapacity"],
                one.get("SuspendedState") or RESUMED,
            )
            for one in found["ScalableTargets"]
        }

    def belongings(self, variant: str) -> tuple[list[str], list[Any]]:
        """Names of the variant's policies, and its schedules."""
        on = self._named(variant)
        policies = self.client.describe_scaling_policies(**on)["ScalingPolicies"]
        actions = self.client.describe_scheduled_actions(**on)["ScheduledActions"]
        return [one["PolicyName"] for one in policies], [
            (one["ScheduledActionName"], one["Schedule"], one["ScalableTargetAction"])
            for one in actions
        ]

    def _named(self, variant: str) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/churn/variant/{variant}",
            "ScalableDimension": DIMENSION,
        }


def berlin() -> Any:
    """What `Scaled.given` makes of `v3-e3`, as it is read."""
    (morning,) = a_scalable_target().actions
    action = morning.model_copy(update={"timezone": "Europe/Berlin"})
    return a_scalable_target(STABLE.variant, actions=(action,))
