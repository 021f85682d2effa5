"""Application Auto Scaling: what it keeps, refuses, deletes along, and does by the clock.

Model: application-autoscaling.RegisterScalableTarget
Model: application-autoscaling.DeregisterScalableTarget
Model: application-autoscaling.PutScheduledAction
AWS: sagemaker/latest/dg/endpoint-scaling-update.html
AWS: sagemaker/latest/dg/endpoint-delete-with-scaling.html
AWS: autoscaling/application/userguide/security_iam_permission_validation.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.sagemaker_world import World, allow
from tests.localcloud.waiting import until

if TYPE_CHECKING:
    from localcloud.launcher import LocalCloud
    from tests.localcloud.conftest import Clients

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TRACKING: dict[str, Any] = {
    "PolicyName": "load",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
    },
}
NOT_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


class Scaling:
    """One endpoint with the variant A, and the service that scales it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.client("application-autoscaling")
        world.endpoint(world.config("one", A=(world.model("a"), 1.0)))
        self.a = self.named("A")

    def named(self, variant: str) -> dict[str, str]:
        """How a request names a variant."""
        resource = f"endpoint/{self.world.name}/variant/{variant}"
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
        }

    def described(self) -> dict[str, Any] | None:
        """The scalable target, if there is one."""
        found = self.client.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ResourceIds=[self.a["ResourceId"]],
            ScalableDimension=DIMENSION,
        )["ScalableTargets"]
        return found[0] if found else None

    def count(self) -> int:
        """How many instances the variant is to have."""
        (variant,) = self.world.settled()["ProductionVariants"]
        count: int = variant["DesiredInstanceCount"]
        return count


@pytest.fixture
def scaling(client: Clients, unique: str) -> Scaling:
    return Scaling(World(client, unique))


def refused(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_what_is_not_specified_is_not_changed(scaling: Scaling) -> None:
    scaling.client.register_scalable_target(**scaling.a, MinCapacity=1, MaxCapacity=3)
    scaling.client.register_scalable_target(
        **scaling.a, SuspendedState={"DynamicScalingInSuspended": True}
    )

    found = scaling.described()
    assert found
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 3)
    assert found["SuspendedState"] == {**NOT_SUSPENDED, "DynamicScalingInSuspended": True}


def test_a_new_target_needs_both_bounds_in_order_and_a_variant_that_exists(
    scaling: Scaling,
) -> None:
    register = scaling.client.register_scalable_target
    for wrong in ({"MinCapacity": 1}, {"MinCapacity": 3, "MaxCapacity": 1}):
        with pytest.raises(ClientError) as error:
            register(**scaling.a, **wrong)
        assert refused(error) == "ValidationException"
    with pytest.raises(ClientError) as error:
        register(**scaling.named("B"), MinCapacity=1, MaxCapacity=2)
    assert refused(error) == "ValidationException"


def test_registering_brings_the_count_into_the_range(scaling: Scaling) -> None:
    """RegisterScalableTarget "changes the resource's current capacity to a value inside"."""
    scaling.client.register_scalable_target(**scaling.a, MinCapacity=2, MaxCapacity=3)

    assert scaling.count() == 2


def test_policies_and_actions_need_a_target_and_go_with_it(scaling: Scaling) -> None:
    action = {"ScheduledActionName": "later", "Schedule": "rate(1 day)"}
    for put, request in (
        (scaling.client.put_scaling_policy, TRACKING),
        (scaling.client.put_scheduled_action, action),
        (scaling.client.deregister_scalable_target, {}),
    ):
        with pytest.raises(ClientError) as error:
            put(**scaling.a, **request)
        assert refused(error) == "ObjectNotFoundException"

    register = scaling.client.register_scalable_target
    register(**scaling.a, MinCapacity=1, MaxCapacity=3)
    scaling.client.put_scaling_policy(**scaling.a, **TRACKING)
    scaling.client.put_scheduled_action(**scaling.a, **action)
    assert scaling.client.describe_scaling_policies(**scaling.a)["ScalingPolicies"]
    scaling.client.deregister_scalable_target(**scaling.a)
    register(**scaling.a, MinCapacity=1, MaxCapacity=3)

    assert not scaling.client.describe_scaling_policies(**scaling.a)["ScalingPolicies"]
    assert not scaling.client.describe_scheduled_actions(**scaling.a)["ScheduledActions"]


def test_a_scheduled_action_changes_bounds_and_count_on_time(scaling: Scaling) -> None:
    scaling.client.register_scalable_target(**scaling.a, MinCapacity=1, MaxCapacity=5)
    scaling.client.put_scheduled_action(
        **scaling.a,
        ScheduledActionName="soon",
        Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 3},
    )

    until(lambda: scaling.count() == 3, "the count follows the schedule")
    found = scaling.described()
    assert found
    assert (found["MinCapacity"], found["MaxCapacity"]) == (3, 5)


def test_a_suspended_schedule_does_nothing_and_makes_up_for_nothing(
    scaling: Scaling, cloud: LocalCloud
) -> None:
    """SuspendedState: "all scaling activities that involve scheduled actions are suspended"."""
    scaling.client.register_scalable_target(
        **scaling.a,
        MinCapacity=1,
        MaxCapacity=5,
        SuspendedState={"ScheduledScalingSuspended": True},
    )
    scaling.client.put_scheduled_action(
        **scaling.a,
        ScheduledActionName="soon",
        Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 3},
    )
    began = cloud.now()

    until(lambda: cloud.now() - began > timedelta(minutes=3), "three minutes pass")

    found = scaling.described()
    assert found
    assert found["MinCapacity"] == 1
    assert scaling.count() == 1


def test_an_update_must_not_change_the_type_of_a_registered_variant(scaling: Scaling) -> None:
    """Update endpoints that use auto scaling: such an update fails."""
    world = scaling.world
    scaling.client.register_scalable_target(**scaling.a, MinCapacity=1, MaxCapacity=3)
    bigger = f"{world.name}-bigger"
    world.sagemaker.create_endpoint_config(
        EndpointConfigName=bigger,
        ProductionVariants=[
            {
                "VariantName": "A",
                "ModelName": f"{world.name}-a",
                "InstanceType": "ml.m5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
    )

    with pytest.raises(ClientError, match="registered as scalable targets"):
        world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=bigger)

    scaling.client.deregister_scalable_target(**scaling.a)
    world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=bigger)


def test_while_the_endpoint_is_updated_the_count_waits(scaling: Scaling) -> None:
    world = scaling.world
    two = world.config("two", A=(f"{world.name}-a", 1.0))
    world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=two)

    scaling.client.register_scalable_target(**scaling.a, MinCapacity=2, MaxCapacity=3)

    told = world.sagemaker.describe_endpoint(EndpointName=world.name)
    assert told["EndpointStatus"] == "Updating"
    assert told["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    until(lambda: scaling.count() == 2, "it is changed afterwards")


def test_a_deleted_endpoint_takes_its_targets_along(scaling: Scaling) -> None:
    """Delete endpoints configured for auto scaling."""
    scaling.client.register_scalable_target(**scaling.a, MinCapacity=1, MaxCapacity=3)

    scaling.world.sagemaker.delete_endpoint(EndpointName=scaling.world.name)

    assert scaling.described() is None


def test_what_the_service_will_do_the_caller_must_be_allowed(scaling: Scaling) -> None:
    """Permissions validation: a ValidationException "that lists the missing permissions"."""
    world = scaling.world
    only = world.role(allow("application-autoscaling:*", "*"))
    scale = ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"]
    both = world.role(allow(["application-autoscaling:*", *scale], "*"))
    bounds = {"MinCapacity": 1, "MaxCapacity": 3}

    with pytest.raises(ClientError, match="UpdateEndpointWeightsAndCapacities") as error:
        world.as_role(only, "application-autoscaling").register_scalable_target(
            **scaling.a, **bounds
        )
    assert refused(error) == "ValidationException"
    as_both = world.as_role(both, "application-autoscaling")
    as_both.register_scalable_target(**scaling.a, **bounds)
    with pytest.raises(ClientError, match="cloudwatch:PutMetricAlarm"):
        as_both.put_scaling_policy(**scaling.a, **TRACKING)


def test_a_policy_can_be_held_to_variants_alone(scaling: Scaling) -> None:
    """Condition keys: service-namespace and scalable-dimension."""
    conditions = {
        "StringEquals": {
            "application-autoscaling:service-namespace": "sagemaker",
            "application-autoscaling:scalable-dimension": DIMENSION,
        }
    }
    scale = ["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"]
    target = "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/*"
    action = "application-autoscaling:RegisterScalableTarget"
    role = scaling.world.role(allow(action, target, Condition=conditions), allow(scale, "*"))

    held = scaling.world.as_role(role, "application-autoscaling")
    held.register_scalable_target(**scaling.a, MinCapacity=1, MaxCapacity=3)
    with pytest.raises(ClientError) as error:
        held.deregister_scalable_target(**scaling.a)
    assert refused(error) == "AccessDeniedException"


def test_targets_are_listed_by_pages(scaling: Scaling) -> None:
    scaling.client.register_scalable_target(**scaling.a, MinCapacity=1, MaxCapacity=3)
    for number in range(3):
        scaling.client.put_scheduled_action(
            **scaling.a, ScheduledActionName=f"a{number}", Schedule="rate(1 day)"
        )

    first = scaling.client.describe_scheduled_actions(**scaling.a, MaxResults=2)
    rest = scaling.client.describe_scheduled_actions(**scaling.a, NextToken=first["NextToken"])
    assert [len(one["ScheduledActions"]) for one in (first, rest)] == [2, 1]
    assert "NextToken" not in rest
