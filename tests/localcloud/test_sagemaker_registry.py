"""The registry keeps what SageMaker keeps, merges what it merges, refuses what it refuses.

Model: sagemaker.CreateModelPackage
Model: sagemaker.UpdateModelPackage
Model: sagemaker.DescribeModelPackage
Model: sagemaker.ListModelPackages
Model: sagemaker.DeleteModelPackage
Model: sagemaker.BatchDescribeModelPackage
AWS: sagemaker/latest/dg/model-registry-approve.html
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients

DIGEST = "sha256:" + "a" * 64
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/serving@{DIGEST}"
SPECIFICATION = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://vault/model.tar.gz"}],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}


@pytest.fixture
def sagemaker(client: Clients) -> Any:
    return client("sagemaker")


@pytest.fixture
def group(sagemaker: Any, unique: str) -> str:
    sagemaker.create_model_package_group(ModelPackageGroupName=unique)
    return unique


def register(sagemaker: Any, group: str, **members: Any) -> str:
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION, **members
    )
    return str(answer["ModelPackageArn"])


def error_of(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_package_is_described_as_it_was_registered(sagemaker: Any, group: str) -> None:
    """CreateModelPackage keeps SourceUri, metadata and metrics; a versioned package has no name."""
    metrics = {
        "ModelQuality": {
            "Statistics": {"ContentType": "application/json", "S3Uri": "s3://v/e.json"}
        }
    }
    arn = register(
        sagemaker,
        group,
        SourceUri="s3://inbox/churn-v1/",
        MetadataProperties={"CommitId": "abc123"},
        CustomerMetadataProperties={"digest": "sha256:00"},
        ModelMetrics=metrics,
    )

    told = sagemaker.describe_model_package(ModelPackageName=arn)

    assert told["ModelPackageVersion"] == 1
    assert told["ModelApprovalStatus"] == "PendingManualApproval"
    assert told["ModelPackageStatus"] == "Completed"
    assert told["SourceUri"] == "s3://inbox/churn-v1/"
    assert told["MetadataProperties"] == {"CommitId": "abc123"}
    assert told["CustomerMetadataProperties"] == {"digest": "sha256:00"}
    assert told["ModelMetrics"] == metrics
    assert told["InferenceSpecification"]["Containers"][0]["ImageDigest"] == DIGEST
    assert told["CreatedBy"]["IamIdentity"]["Arn"].endswith(":root")
    assert "ModelPackageName" not in told


def test_the_same_client_token_is_the_same_package(sagemaker: Any, group: str) -> None:
    """ClientToken: "a unique token that guarantees that the call to this API is idempotent"."""
    first = register(sagemaker, group, ClientToken=f"{group}-1", SourceUri="s3://a/b")
    again = register(sagemaker, group, ClientToken=f"{group}-1", SourceUri="s3://a/b")
    other = register(sagemaker, group, ClientToken=f"{group}-2", SourceUri="s3://a/b")

    assert first == again
    assert other.endswith("/2")
    with pytest.raises(ClientError) as refused:
        register(sagemaker, group, ClientToken=f"{group}-1", SourceUri="s3://a/other")
    assert error_of(refused)[0] == "ConflictException"


def test_an_update_merges_metadata_and_keeps_what_it_does_not_name(
    sagemaker: Any, group: str
) -> None:
    """UpdateModelPackage has CustomerMetadataPropertiesToRemove: what is not named there stays."""
    arn = register(sagemaker, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="looks good"
    )
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"b": "3", "c": "4"},
        CustomerMetadataPropertiesToRemove=["a"],
    )

    told = sagemaker.describe_model_package(ModelPackageName=arn)

    assert told["CustomerMetadataProperties"] == {"b": "3", "c": "4"}
    assert told["ModelApprovalStatus"] == "Approved"
    assert told["ApprovalDescription"] == "looks good"
    assert told["LastModifiedTime"] > told["CreationTime"]


def test_a_version_number_is_never_given_twice(sagemaker: Any, group: str) -> None:
    """Versions only grow: an ARN must not come to mean another model."""
    register(sagemaker, group)
    second = register(sagemaker, group)
    sagemaker.delete_model_package(ModelPackageName=second)

    assert register(sagemaker, group).endswith(f"{group}/3")
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package(ModelPackageName=second)


def test_packages_are_listed_oldest_first_ten_at_a_time(sagemaker: Any, group: str) -> None:
    """ListModelPackages sorts ascending and returns ten unless told otherwise."""
    for number in range(12):
        arn = register(sagemaker, group)
        if number % 4 == 0:
            sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    page = sagemaker.list_model_packages(ModelPackageGroupName=group)
    versions = [package["ModelPackageVersion"] for package in page["ModelPackageSummaryList"]]
    rest = sagemaker.list_model_packages(ModelPackageGroupName=group, NextToken=page["NextToken"])
    approved = sagemaker.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", SortOrder="Descending"
    )

    assert versions == list(range(1, 11))
    assert len(rest["ModelPackageSummaryList"]) == 2
    assert "NextToken" not in rest
    assert [p["ModelPackageVersion"] for p in approved["ModelPackageSummaryList"]] == [9, 5, 1]


@pytest.mark.parametrize(
    ("members", "constraint"),
    [
        pytest.param({"CustomerMetadataProperties": {"a": "{}"}}, "pattern", id="charset"),
        pytest.param({"CustomerMetadataProperties": {"a": "x" * 257}}, "equal to 256", id="length"),
        pytest.param({"ModelApprovalStatus": "Maybe"}, "enum value set", id="enum"),
        pytest.param({"ClientToken": "t" * 37}, "equal to 36", id="token"),
        pytest.param({"SourceUri": "s3://a/b?c=d"}, "pattern", id="source uri"),
    ],
)
def test_what_the_service_model_does_not_allow_is_refused(
    sagemaker: Any, group: str, members: dict[str, Any], constraint: str
) -> None:
    """Lengths, patterns and enums of the service model are the service's contract."""
    with pytest.raises(ClientError) as refused:
        register(sagemaker, group, **members)

    code, message = error_of(refused)
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value '")
    assert constraint in message


def test_metadata_may_hold_what_an_artifact_needs(sagemaker: Any, group: str) -> None:
    """CustomerMetadataValue allows letters of any script, digits, spaces and `_.:/=+-@`."""
    properties = {
        "version-id": "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY",
        "who": "Zoë Ünal",
        "p": "a=b@c",
    }

    arn = register(sagemaker, group, CustomerMetadataProperties=properties)

    told = sagemaker.describe_model_package(ModelPackageName=arn)
    assert told["CustomerMetadataProperties"] == properties


def test_a_versioned_package_takes_no_tags_and_a_group_does(sagemaker: Any, unique: str) -> None:
    """CreateModelPackage: a versioned package "uses the tags of its group"."""
    tags = [{"Key": "team", "Value": "risk"}]
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=unique, Tags=tags)

    assert sagemaker.list_tags(ResourceArn=arn["ModelPackageGroupArn"])["Tags"] == tags
    with pytest.raises(ClientError) as refused:
        register(sagemaker, unique, Tags=tags)
    assert error_of(refused)[0] == "ValidationException"


def test_a_group_with_packages_cannot_be_deleted(sagemaker: Any, group: str) -> None:
    """DeleteModelPackageGroup raises ConflictException."""
    arn = register(sagemaker, group)

    with pytest.raises(ClientError) as refused:
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert error_of(refused)[0] == "ConflictException"

    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError) as gone:
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    assert error_of(gone)[0] == "ValidationException"


def test_a_batch_tells_what_it_found_and_what_it_did_not(sagemaker: Any, group: str) -> None:
    """BatchDescribeModelPackage has an error map, and omits customer metadata."""
    arn = register(sagemaker, group, CustomerMetadataProperties={"a": "1"})
    missing = arn[:-1] + "99"

    told = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, missing])

    summary = told["ModelPackageSummaries"][arn]
    assert summary["ModelPackageGroupName"] == group
    assert "CustomerMetadataProperties" not in summary
    assert list(told["BatchDescribeModelPackageErrorMap"]) == [missing]


def test_what_is_not_served_is_said(sagemaker: Any) -> None:
    """Nothing answers as if it had been done."""
    with pytest.raises(ClientError) as refused:
        sagemaker.list_training_jobs()
    assert error_of(refused) == (
        "UnknownOperationException",
        "ListTrainingJobs is not part of the local cloud",
    )
