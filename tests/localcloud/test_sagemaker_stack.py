"""SageMaker's resource types in CloudFormation stacks, and the scaling of variants.

AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpoint.html
AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-modelpackagegroup.html
AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-model.html
AWS: AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
AWS: sagemaker/latest/dg/endpoint-auto-scaling.html
Model: application-autoscaling.RegisterScalableTarget
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import ACCOUNT, REFUSES_TO_LOAD, World, allow
from tests.localcloud.waiting import until


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    return World(client, unique)


def template(world: World, artifact: str, weight: str = "1", description: str = "d") -> str:
    container = {"Image": world.image_once(), "ModelDataUrl": artifact}
    role = world.serving_role()
    variant = {
        "VariantName": "A",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InitialVariantWeight": weight,
        "InitialInstanceCount": "1",
        "InstanceType": "ml.m5.large",
    }
    return json.dumps(
        {
            "Resources": {
                "Group": {
                    "Type": "AWS::SageMaker::ModelPackageGroup",
                    "Properties": {
                        "ModelPackageGroupName": world.name,
                        "ModelPackageGroupDescription": description,
                    },
                },
                "Model": {
                    "Type": "AWS::SageMaker::Model",
                    "Properties": {"PrimaryContainer": container, "ExecutionRoleArn": role},
                },
                "Config": {
                    "Type": "AWS::SageMaker::EndpointConfig",
                    "Properties": {"ProductionVariants": [variant]},
                },
                "Endpoint": {
                    "Type": "AWS::SageMaker::Endpoint",
                    "Properties": {
                        "EndpointName": world.name,
                        "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    },
                },
            },
            "Outputs": {"Group": {"Value": {"Ref": "Group"}}},
        }
    )


def settled(world: World) -> dict[str, Any]:
    cloudformation = world.client("cloudformation")
    stack: dict[str, Any] = until(
        lambda: cloudformation.describe_stacks(StackName=world.name)["Stacks"][0],
        "the stack settled",
        seconds=40,
        good=lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
        pause=0.2,
    )
    return stack


def test_a_stack_makes_changes_and_deletes_an_endpoint_with_all_it_stands_on(world: World) -> None:
    """The types' Ref is the ARN; a changed EndpointConfig is a new one and an UpdateEndpoint."""
    cloudformation, name = world.client("cloudformation"), world.name
    body = template(world, world.artifact("a"))
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    made = settled(world)

    assert made["StackStatus"] == "CREATE_COMPLETE"
    group = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/{name}"
    assert made["Outputs"][0]["OutputValue"] == group
    assert world.invoke()["Body"]["model"] == "a"
    first = world.settled()["EndpointConfigName"]

    changed = json.loads(body)
    changed["Resources"]["Config"]["Properties"]["ProductionVariants"][0]["VariantName"] = "B"
    cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(changed))
    assert settled(world)["StackStatus"] == "UPDATE_COMPLETE"
    assert world.settled()["EndpointConfigName"] != first
    assert world.invoke()["InvokedProductionVariant"] == "B"

    cloudformation.delete_stack(StackName=name)
    endpoints = world.sagemaker.list_endpoints
    until(lambda: not endpoints(NameContains=name)["Endpoints"], "it is gone", seconds=20)
    assert not world.sagemaker.list_models(NameContains=name)["Models"]
    assert not world.sagemaker.list_model_package_groups(NameContains=name)[
        "ModelPackageGroupSummaryList"
    ]


def test_a_stack_fails_with_its_endpoint(world: World) -> None:
    """CloudFormation waits for the endpoint and fails with its FailureReason."""
    cloudformation = world.client("cloudformation")
    body = template(world, world.artifact("bad", REFUSES_TO_LOAD))
    cloudformation.create_stack(StackName=world.name, TemplateBody=body)

    assert settled(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=world.name)["StackEvents"]
    assert any("ping health check" in event.get("ResourceStatusReason", "") for event in events)


def failures(world: World) -> str:
    """Why resources of the stack failed, one line each."""
    pages = world.client("cloudformation").get_paginator("describe_stack_events")
    found = [one for page in pages.paginate(StackName=world.name) for one in page["StackEvents"]]
    return "\n".join(
        f"{one['LogicalResourceId']}: {one['ResourceStatusReason']}"
        for one in found
        if one["ResourceStatus"].endswith("_FAILED")
    )


def as_creator(world: World, *missing: str) -> Any:
    """CloudFormation, as a role that may make and delete endpoints but for what is missing."""
    verbs = {
        f"sagemaker:{verb}{kind}"
        for verb in ("Create", "Delete")
        for kind in ("Model", "EndpointConfig", "Endpoint", "ModelPackageGroup")
    }
    actions = {*verbs, "sagemaker:DescribeEndpoint", "iam:PassRole", "cloudformation:*"}
    return world.as_role(world.role(allow(sorted(actions - set(missing)), "*")), "cloudformation")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sagemaker:CreateModel", "Model"),
        ("iam:PassRole", "Model"),
        ("sagemaker:CreateEndpointConfig", "Config"),
        ("sagemaker:CreateEndpoint", "Endpoint"),
        ("sagemaker:DescribeEndpoint", "Endpoint"),
    ],
)
def test_a_stack_may_what_its_user_may(world: World, action: str, resource: str) -> None:
    """Without a service role CloudFormation uses a session of the user's credentials."""
    body = template(world, world.artifact("a"))
    as_creator(world, action).create_stack(StackName=world.name, TemplateBody=body)

    assert settled(world)["StackStatus"].startswith("ROLLBACK_")
    why = failures(world)
    assert f"{resource}: Resource handler returned message" in why
    assert f"not authorized to perform: {action}" in why
    assert "(HandlerErrorCode: AccessDenied)" in why


def test_who_may_everything_it_takes_makes_and_deletes_the_stack(world: World) -> None:
    """Create, pass the role, describe, delete: nothing more is asked for."""
    cloudformation = as_creator(world)
    body = template(world, world.artifact("a"))
    cloudformation.create_stack(StackName=world.name, TemplateBody=body)
    assert settled(world)["StackStatus"] == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName=world.name)
    endpoints = world.sagemaker.list_endpoints
    until(lambda: not endpoints(NameContains=world.name)["Endpoints"], "it is gone", seconds=20)


def test_a_property_that_a_type_has_not_is_refused_by_name(world: World) -> None:
    """Properties validation failed: an extraneous key is not permitted, however deep it stands."""
    document = json.loads(template(world, world.artifact("a")))
    (variant,) = document["Resources"]["Config"]["Properties"]["ProductionVariants"]
    variant["InstanceTyp"] = "ml.m5.large"
    world.client("cloudformation").create_stack(
        StackName=world.name, TemplateBody=json.dumps(document)
    )

    assert settled(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    key = "#/ProductionVariants/0: extraneous key [InstanceTyp] is not permitted"
    assert key in failures(world)
    assert not world.sagemaker.list_models(NameContains=world.name)["Models"]


def test_changed_tags_are_put_on_the_resource(world: World) -> None:
    """Tags are updated without interruption, on the resource that is there."""
    cloudformation, document = world.client("cloudformation"), template(world, world.artifact("a"))
    cloudformation.create_stack(StackName=world.name, TemplateBody=tagged(document, a="1", b="2"))
    settled(world)
    cloudformation.update_stack(StackName=world.name, TemplateBody=tagged(document, b="3", c="4"))
    assert settled(world)["StackStatus"] == "UPDATE_COMPLETE"

    arn = world.settled()["EndpointArn"]
    found = {one["Key"]: one["Value"] for one in world.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert {key: found.get(key) for key in "abc"} == {"a": None, "b": "3", "c": "4"}


def tagged(document: str, **tags: str) -> str:
    """The template with these tags on its endpoint."""
    parsed = json.loads(document)
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    parsed["Resources"]["Endpoint"]["Properties"]["Tags"] = listed
    return json.dumps(parsed)


def test_a_registered_variant_cannot_be_dropped(world: World) -> None:
    """UpdateEndpoint fails if it removes a variant that is a scalable target."""
    model = world.model("a")
    world.endpoint(world.config("old", A=(model, 1.0)))
    new = world.config("new", B=(model, 1.0))
    scaling, target = (
        world.client("application-autoscaling"),
        {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{world.name}/variant/A",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        },
    )
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **target,
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
            },
        },
    )

    with pytest.raises(ClientError, match="registered as scalable targets"):
        world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [p["PolicyName"] for p in policies if p["ResourceId"] == target["ResourceId"]] == [
        "load"
    ]
    scaling.deregister_scalable_target(**target)
    world.sagemaker.update_endpoint(EndpointName=world.name, EndpointConfigName=new)


def test_scaling_is_authorised(world: World) -> None:
    """application-autoscaling:RegisterScalableTarget has the condition key service-namespace."""
    only = {"StringEquals": {"application-autoscaling:service-namespace": "ecs"}}
    action = "application-autoscaling:RegisterScalableTarget"
    scaling = world.as_role(
        world.role(allow(action, "*", Condition=only)), "application-autoscaling"
    )

    with pytest.raises(ClientError) as refused:
        scaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{world.name}/variant/A",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            MinCapacity=1,
            MaxCapacity=2,
        )
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_durations_and_double_events_can_be_set(cloud: LocalCloud) -> None:
    """`/_localcloud/sagemaker`: what a demo or a drill turns."""
    before = cloud.control("sagemaker")
    assert before["deployment_seconds"] == 240.0

    assert cloud.control("sagemaker", {"weights_seconds": 30})["weights_seconds"] == 30.0
    assert cloud.control("sagemaker", before) == before
