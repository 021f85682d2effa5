"""CloudTrail's records on the bus: who wrote an object, who changed a package; off unless asked.

AWS: eventbridge/latest/userguide/eb-service-event-cloudtrail.html
AWS: awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
AWS: AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
AWS: sagemaker/latest/dg/logging-using-cloudtrail.html
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud, control
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_role
from tests.localcloud.sagemaker_world import World
from tests.localcloud.waiting import until

DETAIL_TYPE = "AWS API Call via CloudTrail"


@pytest.fixture
def world(client: Clients, unique: str) -> World:
    """A corner of the account for one test, with a bucket that tells of its objects."""
    world = World(client, unique)
    s3 = world.client("s3")
    s3.create_bucket(Bucket=unique)
    s3.put_bucket_versioning(Bucket=unique, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=unique, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return world


@pytest.fixture
def trails(cloud: LocalCloud) -> Iterator[None]:
    """Calls are recorded."""
    assert control(cloud.endpoint_url, "trails", {"on": True}) == {"on": True}
    yield
    control(cloud.endpoint_url, "trails", {"on": False})


def records(seen: Callable[[], list[dict[str, Any]]], most: int) -> list[dict[str, Any]]:
    """The details of the first records, in the order of their calls' names."""

    def enough() -> list[dict[str, Any]]:
        found = [one for one in seen() if one["detail-type"] == DETAIL_TYPE]
        return found if len(found) >= most else []

    found: list[dict[str, Any]] = until(enough, f"{most} calls are recorded", seconds=20)
    return sorted((one["detail"] for one in found), key=lambda one: str(one["eventName"]))


def test_an_object_is_recorded_with_its_version_its_request_and_the_role_that_wrote_it(
    world: World, trails: None
) -> None:
    seen = world.watch({"source": ["aws.s3"]})
    writing = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*"}
    role = create_role(world.client, f"{world.name}-role", [writing])
    s3 = world.client.as_role("s3", role)

    put = s3.put_object(Bucket=world.name, Key="models/a b", Body=b"hello")
    upload = s3.create_multipart_upload(Bucket=world.name, Key="large")["UploadId"]
    key = {"Bucket": world.name, "Key": "large", "UploadId": upload}
    part = s3.upload_part(**key, PartNumber=1, Body=b"hello")
    s3.complete_multipart_upload(
        **key, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )

    completed, written = records(seen, 2)
    assert (completed["eventName"], written["eventName"]) == (
        "CompleteMultipartUpload",
        "PutObject",
    )
    assert written["requestParameters"] == {"bucketName": world.name, "key": "models/a b"}
    assert written["responseElements"] == {"x-amz-version-id": put["VersionId"]}
    assert written["userIdentity"]["type"] == "AssumedRole"
    assert written["userIdentity"]["arn"].endswith(f":assumed-role/{world.name}-role/test")
    assert written["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == role
    created = {
        one["detail"]["request-id"] for one in seen() if one["detail-type"] == "Object Created"
    }
    assert written["requestID"] in created
    assert {one["eventCategory"] for one in (completed, written)} == {"Data"}


def test_a_change_of_a_package_is_recorded_and_so_is_one_that_failed(
    world: World, trails: None
) -> None:
    seen = world.watch({"source": ["aws.sagemaker"]})
    world.sagemaker.create_model_package_group(ModelPackageGroupName=world.name)
    arn = world.sagemaker.create_model_package(ModelPackageGroupName=world.name)["ModelPackageArn"]
    world.sagemaker.describe_model_package(ModelPackageName=arn)
    approved = {"ModelApprovalStatus": "Approved"}
    world.sagemaker.update_model_package(ModelPackageArn=arn, **approved)
    with pytest.raises(ClientError):
        world.sagemaker.update_model_package(ModelPackageArn=f"{arn}9", **approved)

    *_, one, two = records(seen, 4)
    worked, failed = (one, two) if "errorCode" not in one else (two, one)
    assert worked["eventName"] == failed["eventName"] == "UpdateModelPackage"
    assert worked["requestParameters"] == {
        "modelPackageArn": arn,
        "modelApprovalStatus": "Approved",
    }
    assert worked["userIdentity"]["type"] == "Root"
    assert failed["errorCode"] == "ValidationException"


def test_nothing_is_recorded_unless_trails_are_on(world: World) -> None:
    seen = world.watch({"source": ["aws.s3"]})

    world.client("s3").put_object(Bucket=world.name, Key="k", Body=b"hello")

    until(lambda: len(seen()) > 0, "the object is told of", seconds=20)
    assert {one["detail-type"] for one in seen()} == {"Object Created"}
