"""SageMaker's events have the published shape, and sometimes come twice.

AWS: sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
AWS: eventbridge/latest/ref/events-ref-sagemaker.html
"""

import json
from typing import Any

import pytest

from tests.localcloud.conftest import Clients
from tests.localcloud.sagemaker_world import World, eventually

# The members of the detail in the published "SageMaker Model Package State Change" event.
PUBLISHED = {
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "ModelLifeCycle",
    "UpdatedModelPackageFields",
    "LastModifiedTime",
}
CONTAINER = {
    "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1",
    "ModelDataUrl": "s3://a/b",
}


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    return World(client, unique)


def of_group(world: World) -> dict[str, Any]:
    return {"source": ["aws.sagemaker"], "detail": {"ModelPackageGroupName": [world.name]}}


def registered(world: World, **members: Any) -> str:
    world.sagemaker.create_model_package_group(ModelPackageGroupName=world.name)
    answer = world.sagemaker.create_model_package(
        ModelPackageGroupName=world.name,
        InferenceSpecification={"Containers": [CONTAINER], "SupportedContentTypes": ["text/csv"]},
        **members,
    )
    return str(answer["ModelPackageArn"])


def test_an_approval_is_told_in_the_published_shape(world: World) -> None:
    """EventBridge reference, model package: detail members and UpdatedModelPackageFields."""
    seen = world.watch(of_group(world))
    arn = registered(
        world,
        MetadataProperties={"CommitId": "abc"},
        ModelMetrics={"Bias": {"Report": {"ContentType": "text/csv", "S3Uri": "s3://a/c"}}},
        CustomerMetadataProperties={"digest": "1"},
    )
    world.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="ok",
        SourceUri="s3://a/b",
        ModelLifeCycle={"Stage": "Production", "StageStatus": "Approved"},
    )

    updates = eventually(lambda: [e for e in seen() if "LastModifiedTime" in e["detail"]])

    assert updates[0]["detail-type"] == "SageMaker Model Package State Change"
    assert updates[0]["resources"] == [arn]
    detail = updates[0]["detail"]
    assert set(detail) == PUBLISHED
    assert detail["ModelPackageVersion"] == 1
    assert detail["ModelApprovalStatus"] == "Approved"
    assert set(detail["UpdatedModelPackageFields"]) == {
        "ModelApprovalStatus",
        "ApprovalDescription",
        "sourceUri",
        "ModelLifeCycle",
    }
    creation = next(e for e in seen() if "LastModifiedTime" not in e["detail"])
    assert creation["detail"]["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_metadata_change_of_an_approved_package_still_says_approved(world: World) -> None:
    """ModelApprovalStatus is the current status, whatever changed."""
    seen = world.watch(of_group(world))
    arn = registered(world, ModelApprovalStatus="Approved")
    world.sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"note": "later"}
    )

    updates = eventually(lambda: [e for e in seen() if "LastModifiedTime" in e["detail"]])

    assert updates[0]["detail"]["ModelApprovalStatus"] == "Approved"
    assert updates[0]["detail"]["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


def test_some_changes_are_told_twice_with_different_event_ids(world: World) -> None:
    """SageMaker "may send multiple events to EventBridge for each state change"."""
    seen = world.watch(of_group(world))
    arn = registered(world)
    for number in range(12):
        world.sagemaker.update_model_package(
            ModelPackageArn=arn, CustomerMetadataProperties={"n": str(number)}
        )

    events = eventually(lambda: len(seen()) >= 16 and seen())
    told = [json.dumps(event["detail"], sort_keys=True) for event in events]

    assert len({event["id"] for event in events}) == len(events)
    assert len(told) - len(set(told)) >= 2


def test_an_endpoints_states_are_told_in_the_events_own_spelling(world: World) -> None:
    """EventBridge reference, endpoint: EndpointStatus IN_SERVICE, times in milliseconds."""
    seen = world.watch({"detail-type": ["SageMaker Endpoint State Change"]})
    world.endpoint(world.config("c", A=(world.model("a"), 1.0)))

    def mine() -> list[dict[str, Any]]:
        return [e["detail"] for e in seen() if e["detail"]["EndpointName"] == world.name]

    eventually(lambda: "IN_SERVICE" in {detail["EndpointStatus"] for detail in mine()})

    assert mine()[0]["EndpointStatus"] == "CREATING"
    last = mine()[-1]
    assert last["EndpointArn"].endswith(f":endpoint/{world.name}")
    assert last["EndpointConfigName"] == f"{world.name}-c"
    assert last["ProductionVariants"][0]["DesiredWeight"] == 1.0
    assert last["LastModifiedTime"] > last["CreationTime"] > 1e12
