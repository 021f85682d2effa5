"""IAM decides about every SageMaker call, on the resources and condition keys AWS documents.

AWS: service-authorization/latest/reference/list_amazonsagemaker.html
AWS: sagemaker/latest/dg/sagemaker-roles.html
Model: sagemaker.UpdateModelPackage
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import ACCOUNT, ROOT, World, allow

PREFIX = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    return World(client, unique)


def denied(refused: pytest.ExceptionInfo[ClientError]) -> str:
    error = refused.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    return str(error["Message"])


def package(world: World, **members: Any) -> str:
    world.sagemaker.create_model_package_group(ModelPackageGroupName=world.name)
    made = world.sagemaker.create_model_package(ModelPackageGroupName=world.name, **members)
    return str(made["ModelPackageArn"])


def test_a_role_that_may_only_reject_cannot_approve(world: World) -> None:
    """Condition key sagemaker:ModelApprovalStatus on UpdateModelPackage."""
    arn = package(world)
    only = {"StringEquals": {"sagemaker:ModelApprovalStatus": "Rejected"}}
    role = world.role(allow("sagemaker:UpdateModelPackage", arn, Condition=only))
    sagemaker = world.as_role(role)

    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    with pytest.raises(ClientError) as refused:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    message = denied(refused)
    assert f"not authorized to perform: sagemaker:UpdateModelPackage on resource: {arn}" in message
    told = world.sagemaker.describe_model_package(ModelPackageName=arn)
    assert told["ModelApprovalStatus"] == "Rejected"
    assert ":assumed-role/" in told["LastModifiedBy"]["IamIdentity"]["Arn"]


def test_registering_needs_the_group_and_its_packages(world: World) -> None:
    """CreateModelPackage is authorised on model-package and on model-package-group."""
    package(world)
    packages, group = f"{PREFIX}model-package/{world.name}/*", f"model-package-group/{world.name}"
    half = world.as_role(world.role(allow("sagemaker:CreateModelPackage", packages)))
    whole = world.as_role(
        world.role(allow("sagemaker:CreateModelPackage", [packages, PREFIX + group]))
    )

    with pytest.raises(ClientError) as refused:
        half.create_model_package(ModelPackageGroupName=world.name)
    assert group in denied(refused)
    whole.create_model_package(ModelPackageGroupName=world.name)


def test_a_list_is_authorised_on_everything(world: World) -> None:
    """ListModelPackages has no resource type."""
    package(world)
    group = f"{PREFIX}model-package-group/{world.name}"
    narrow = world.as_role(world.role(allow("sagemaker:ListModelPackages", group)))
    wide = world.as_role(world.role(allow("sagemaker:ListModelPackages", "*")))

    with pytest.raises(ClientError) as refused:
        narrow.list_model_packages(ModelPackageGroupName=world.name)
    assert "on resource: *" in denied(refused)
    listed = wide.list_model_packages(ModelPackageGroupName=world.name)
    assert len(listed["ModelPackageSummaryList"]) == 1


def test_tagging_what_is_created_needs_add_tags(world: World) -> None:
    """Create operations with Tags have the dependent action sagemaker:AddTags."""
    group = f"{PREFIX}model-package-group/{world.name}"
    create = allow("sagemaker:CreateModelPackageGroup", group)
    tagged = {"ModelPackageGroupName": world.name, "Tags": [{"Key": "team", "Value": "risk"}]}
    only = {"StringEquals": {"aws:RequestTag/team": "risk"}}

    with pytest.raises(ClientError) as refused:
        world.as_role(world.role(create)).create_model_package_group(**tagged)
    assert f"sagemaker:AddTags on resource: {group}" in denied(refused)
    add = allow("sagemaker:AddTags", group, Condition=only)
    world.as_role(world.role(create, add)).create_model_package_group(**tagged)


def test_creating_an_endpoint_needs_its_configuration_too(world: World) -> None:
    """CreateEndpoint is authorised on endpoint and on endpoint-config."""
    config = world.config("c", A=(world.model("a"), 1.0))
    role = world.role(allow("sagemaker:CreateEndpoint", f"{PREFIX}endpoint/{world.name}"))

    with pytest.raises(ClientError) as refused:
        world.as_role(role).create_endpoint(EndpointName=world.name, EndpointConfigName=config)

    assert f"endpoint-config/{config}" in denied(refused)


def test_a_role_is_handed_over_only_with_pass_role(world: World) -> None:
    """CreateModel with ExecutionRoleArn needs iam:PassRole, for sagemaker.amazonaws.com."""
    serving = world.serving_role()
    create = allow("sagemaker:CreateModel", f"{PREFIX}model/*")
    to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    elsewhere = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    container = {"Image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/x:1"}

    def make(number: int, *statements: dict[str, Any]) -> None:
        world.as_role(world.role(create, *statements)).create_model(
            ModelName=f"{world.name}-{number}",
            PrimaryContainer=container,
            ExecutionRoleArn=serving,
        )

    make(1, allow("iam:PassRole", serving, Condition=to))
    for number, statements in enumerate(
        [(), (allow("iam:PassRole", serving, Condition=elsewhere),)], start=2
    ):
        with pytest.raises(ClientError) as refused:
            make(number, *statements)
        assert "iam:PassRole on resource: " + serving in denied(refused)


@pytest.mark.parametrize("role_exists", [True, False])
def test_a_role_must_exist_and_trust_sagemaker(world: World, role_exists: bool) -> None:
    """SageMaker assumes the execution role: its trust policy must name sagemaker.amazonaws.com."""
    missing = f"arn:aws:iam::{ACCOUNT}:role/{world.name}"

    with pytest.raises(ClientError, match="Could not assume role") as refused:
        world.sagemaker.create_model(
            ModelName=world.name,
            PrimaryContainer={"Image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/x:1"},
            ExecutionRoleArn=world.role(trusted=ROOT) if role_exists else missing,
        )
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_invoking_is_authorised_on_the_endpoint(world: World) -> None:
    """InvokeEndpoint: an endpoint's ARN holds its name in lower case."""
    name = f"{world.name}-Mixed"
    role = world.role(allow("sagemaker:InvokeEndpoint", f"{PREFIX}endpoint/{name.lower()}"))
    runtime = world.as_role(role, "sagemaker-runtime")

    with pytest.raises(ClientError, match="not found") as unknown:
        runtime.invoke_endpoint(EndpointName=name, Body=b"{}")
    assert unknown.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError) as refused:
        runtime.invoke_endpoint(EndpointName="another", Body=b"{}")
    assert f"sagemaker:InvokeEndpoint on resource: {PREFIX}endpoint/another" in denied(refused)
