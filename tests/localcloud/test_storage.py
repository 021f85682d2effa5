"""S3: its events on EventBridge, conditional writes and copies, checksums.

AWS: AmazonS3/latest/userguide/ev-events.html
AWS: AmazonS3/latest/userguide/conditional-writes.html
AWS: AmazonS3/latest/userguide/checking-object-integrity-upload.html
AWS: AmazonS3/latest/API/API_PutBucketPolicy.html
AWS: AmazonS3/latest/userguide/tagging-and-policies.html
Model: s3.CopyObject
Model: s3.PutObject
Model: s3.PutObjectTagging
"""

import base64
import json
import urllib.request
from typing import Any

import pytest
from awscrt import checksums
from botocore.exceptions import ClientError

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_role
from tests.localcloud.queues import create_queue, received_bodies
from tests.localcloud.waiting import within

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, its Object Created.
ENVELOPE = {
    "account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"
}  # fmt: skip
DETAIL = {
    "bucket", "event-version", "object", "reason", "request-id", "requester", "source-ip-address",
    "version",
}  # fmt: skip
OBJECT = {"etag", "key", "sequencer", "size", "version-id"}
SECONDS = "%Y-%m-%dT%H:%M:%SZ"
ODD_KEY = "inbox/a b+c=ü%20/model.tar.gz"


class Bucket:
    """A versioned bucket whose events go to a queue."""

    def __init__(self, client: Clients, name: str, *, versioned: bool = True) -> None:
        self.client, self.name, self.s3 = client, name, client("s3")
        self.s3.create_bucket(Bucket=name)
        if versioned:
            self.s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        self.s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}
        rule = client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        self.url, queue = create_queue(client, name, "events.amazonaws.com", rule)
        client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue}])

    def events(self, count: int) -> list[Any]:
        """Just so many events since the last time, in the order of their sequencers."""
        found = received_bodies(self.client, self.url, count)
        return sorted(found, key=lambda event: int(event["detail"]["object"]["sequencer"], 16))


@pytest.fixture
def bucket(client: Clients, unique: str) -> Bucket:
    """A versioned bucket whose events go to a queue."""
    return Bucket(client, unique)


def test_an_upload_is_announced_in_the_published_form(cloud: LocalCloud, bucket: Bucket) -> None:
    before = cloud.now()
    put = bucket.s3.put_object(Bucket=bucket.name, Key="example-key", Body=b"hello")
    (event,) = bucket.events(1)
    assert event.keys() == ENVELOPE
    assert event["detail"].keys() == DETAIL
    assert event["detail"]["bucket"] == {"name": bucket.name}
    assert event["detail"]["object"].keys() == OBJECT
    assert event["detail"]["object"]["version-id"] == put["VersionId"]
    assert event["detail"]["object"]["etag"] == put["ETag"].strip('"')
    assert event["detail"]["object"]["size"] == 5
    assert event["detail"]["event-version"] == "1.2"
    assert event["detail"]["requester"] == "123456789012"
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["resources"] == [f"arn:aws:s3:::{bucket.name}"]
    assert f"{before:{SECONDS}}" <= event["time"] <= f"{cloud.now():{SECONDS}}"


def test_versions_ids_and_sequencers_differ_and_grow(bucket: Bucket) -> None:
    versions = [
        bucket.s3.put_object(Bucket=bucket.name, Key="k", Body=b"%d" % n)["VersionId"]
        for n in range(5)
    ]
    events = bucket.events(5)
    assert [event["detail"]["object"]["version-id"] for event in events] == versions
    assert len({event["id"] for event in events}) == 5
    assert len({event["detail"]["request-id"] for event in events}) == 5


def test_the_key_is_raw_whatever_is_in_it(bucket: Bucket) -> None:
    bucket.s3.put_object(Bucket=bucket.name, Key=ODD_KEY, Body=b"x")
    assert bucket.events(1)[0]["detail"]["object"]["key"] == ODD_KEY


def test_an_unversioned_bucket_names_no_version(client: Clients, unique: str) -> None:
    bucket = Bucket(client, unique, versioned=False)
    bucket.s3.put_object(Bucket=unique, Key="k", Body=b"x")
    assert "version-id" not in bucket.events(1)[0]["detail"]["object"]


def test_the_reason_names_the_api_that_wrote(bucket: Bucket) -> None:
    name = bucket.name
    put = bucket.s3.put_object(Bucket=name, Key="a", Body=b"x" * 10)
    source = {"Bucket": name, "Key": "a", "VersionId": put["VersionId"]}
    bucket.s3.copy_object(Bucket=name, Key="b", CopySource=source)
    upload = bucket.s3.create_multipart_upload(Bucket=name, Key="c")["UploadId"]
    part = bucket.s3.upload_part_copy(
        Bucket=name,
        Key="c",
        UploadId=upload,
        PartNumber=1,
        CopySource=source,
        CopySourceIfMatch=put["ETag"],
    )["CopyPartResult"]["ETag"]
    done = bucket.s3.complete_multipart_upload(
        Bucket=name,
        Key="c",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]},
    )
    events = bucket.events(3)
    reasons = [event["detail"]["reason"] for event in events]
    assert reasons == ["PutObject", "CopyObject", "CompleteMultipartUpload"]
    assert events[2]["detail"]["object"]["version-id"] == done["VersionId"]
    assert events[2]["detail"]["object"]["etag"] == done["ETag"].strip('"')


def test_a_copy_reads_the_version_it_names(bucket: Bucket) -> None:
    old = bucket.s3.put_object(Bucket=bucket.name, Key="a", Body=b"old")["VersionId"]
    bucket.s3.put_object(Bucket=bucket.name, Key="a", Body=b"new")
    source = {"Bucket": bucket.name, "Key": "a", "VersionId": old}
    bucket.s3.copy_object(Bucket=bucket.name, Key="b", CopySource=source)
    assert bucket.s3.get_object(Bucket=bucket.name, Key="b")["Body"].read() == b"old"


def refused(call: Any, **arguments: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    code: str = error.value.response["Error"]["Code"]
    return code


def test_if_none_match_protects_what_is_there(bucket: Bucket) -> None:
    # Conditional writes: PutObject, CopyObject, CompleteMultipartUpload answer 412.
    name, s3 = bucket.name, bucket.s3
    s3.put_object(Bucket=name, Key="kept", Body=b"first")
    s3.put_object(Bucket=name, Key="other", Body=b"second")
    once: dict[str, Any] = {"Bucket": name, "Key": "kept", "IfNoneMatch": "*"}
    assert refused(s3.put_object, Body=b"x", **once) == "PreconditionFailed"
    source = {"Bucket": name, "Key": "other"}
    assert refused(s3.copy_object, CopySource=source, **once) == "PreconditionFailed"
    upload = s3.create_multipart_upload(Bucket=name, Key="kept")["UploadId"]
    part = s3.upload_part(Bucket=name, Key="kept", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    complete = s3.complete_multipart_upload
    assert refused(complete, UploadId=upload, MultipartUpload=parts, **once) == "PreconditionFailed"
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"first"
    s3.copy_object(Bucket=name, Key="fresh", CopySource=source, IfNoneMatch="*")
    assert s3.get_object(Bucket=name, Key="fresh")["Body"].read() == b"second"


def test_a_delete_marker_lets_a_conditional_write_through(bucket: Bucket) -> None:
    # The condition looks at the current version only.
    bucket.s3.put_object(Bucket=bucket.name, Key="k", Body=b"x")
    bucket.s3.delete_object(Bucket=bucket.name, Key="k")
    bucket.s3.put_object(Bucket=bucket.name, Key="k", Body=b"y", IfNoneMatch="*")
    assert bucket.s3.get_object(Bucket=bucket.name, Key="k")["Body"].read() == b"y"


def test_a_part_copied_from_a_changed_source_is_refused(bucket: Bucket) -> None:
    name, s3 = bucket.name, bucket.s3
    seen = s3.put_object(Bucket=name, Key="a", Body=b"seen")["ETag"]
    s3.put_object(Bucket=name, Key="a", Body=b"changed")
    upload = s3.create_multipart_upload(Bucket=name, Key="b")["UploadId"]
    code = refused(
        s3.upload_part_copy,
        Bucket=name,
        Key="b",
        UploadId=upload,
        PartNumber=1,
        CopySource={"Bucket": name, "Key": "a"},
        CopySourceIfMatch=seen,
    )
    assert code == "PreconditionFailed"


def test_every_object_has_a_checksum(bucket: Bucket) -> None:
    signed = bucket.s3.generate_presigned_url(
        "put_object", Params={"Bucket": bucket.name, "Key": "k"}
    )
    request = urllib.request.Request(signed, data=b"hello", method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        said = answer.headers["x-amz-checksum-crc64nvme"]
    assert said == base64.b64encode(checksums.crc64nvme(b"hello").to_bytes(8)).decode()


@pytest.mark.parametrize(("name", "size"), [("CRC64NVME", 8), ("CRC32C", 4)])
def test_checksums_are_right_and_quick(bucket: Bucket, name: str, size: int) -> None:
    body = bytes(range(256)) * 4 * 8192  # 8 MiB; in pure Python this takes over a second
    computed = getattr(checksums, name.lower())(body)
    expected = base64.b64encode(computed.to_bytes(size)).decode()
    with within(1):
        put = bucket.s3.put_object(Bucket=bucket.name, Key="k", Body=body, ChecksumAlgorithm=name)
        head = bucket.s3.head_object(Bucket=bucket.name, Key="k", ChecksumMode="ENABLED")
    assert {put.get(f"Checksum{name}"), head.get(f"Checksum{name}")} == {expected}
    wrong = refused(
        bucket.s3.put_object,
        Bucket=bucket.name,
        Key="k",
        Body=b"other bytes",
        **{f"Checksum{name}": expected},
    )
    assert wrong == "BadDigest"


def test_a_bucket_says_who_may_tag_what_even_to_the_root(bucket: Bucket) -> None:
    """A tag of one version takes PutObjectVersionTagging, and a Deny binds whoever it names."""
    keeper, other = (
        create_role(
            bucket.client,
            f"{bucket.name}-{name}",
            [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
        )
        for name in ("keeper", "other")
    )
    version = bucket.s3.put_object(Bucket=bucket.name, Key="vault/k", Body=b"x")["VersionId"]
    bucket.s3.put_object(Bucket=bucket.name, Key="vault/k", Body=b"newer")
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObjectTagging", "s3:PutObjectVersionTagging"],
        "Resource": f"arn:aws:s3:::{bucket.name}/vault/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [keeper]}},
    }
    bucket.s3.put_bucket_policy(
        Bucket=bucket.name,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [denial]}),
    )
    tagged = {
        "Bucket": bucket.name,
        "Key": "vault/k",
        "Tagging": {"TagSet": [{"Key": "fate", "Value": "expired"}]},
    }

    for s3 in (bucket.s3, bucket.client.as_role("s3", other)):
        assert refused(s3.put_object_tagging, **tagged) == "AccessDenied"
        assert refused(s3.put_object_tagging, **tagged, VersionId=version) == "AccessDenied"
    bucket.client.as_role("s3", keeper).put_object_tagging(**tagged, VersionId=version)

    tags = bucket.s3.get_object_tagging
    where = {"Bucket": bucket.name, "Key": "vault/k"}
    assert tags(**where)["TagSet"] == []
    assert tags(**where, VersionId=version)["TagSet"] == tagged["Tagging"]["TagSet"]
