"""S3 under a customer's key: who needs it to read and write, and that a disabled one is of no use.

AWS: AmazonS3/latest/userguide/UsingKMSEncryption.html
AWS: kms/latest/developerguide/key-state.html
Model: s3.GetObject
Model: s3.HeadObject
Model: s3.PutObject
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_role

UNUSABLE = {
    "disabled": ("KMS.DisabledException", "{} is disabled."),
    "about to be deleted": ("KMS.KMSInvalidStateException", "{} is pending deletion."),
}
"""What S3 says under a key in each state, as those report who met it:
https://github.com/localstack/localstack/issues/8422
"""
PLAIN: dict[str, Any] = {"ServerSideEncryption": "AES256"}
"""Under no key of the customer, whatever the bucket's default."""


class Bucket:
    """A versioned bucket whose objects are encrypted under a customer's key by default."""

    def __init__(self, client: Clients, name: str) -> None:
        self.client, self.name = client, name
        self.s3, self.kms = client("s3"), client("kms")
        self.key: str = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
        self.s3.put_bucket_encryption(
            Bucket=name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}]
            },
        )

    def put(self, key: str, **more: Any) -> str:
        """Write an object; its version."""
        put = self.s3.put_object(Bucket=self.name, Key=key, Body=key.encode(), **more)
        return str(put["VersionId"])

    def body(self, key: str, **more: Any) -> bytes:
        """What is read of an object."""
        read: bytes = self.s3.get_object(Bucket=self.name, Key=key, **more)["Body"].read()
        return read

    def lock(self, state: str) -> None:
        """Bring the key into a state in which nobody can use it."""
        if state == "disabled":
            self.kms.disable_key(KeyId=self.key)
        else:
            self.kms.schedule_key_deletion(KeyId=self.key, PendingWindowInDays=7)


@pytest.fixture
def bucket(client: Clients, unique: str) -> Bucket:
    """A bucket under a key that can be used."""
    return Bucket(client, unique)


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_an_encrypted_object_takes_the_key_as_well(bucket: Bucket, action: str) -> None:
    bucket.put("k")
    objects = f"arn:aws:s3:::{bucket.name}/*"
    policy = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": objects},
        {"Effect": "Allow", "Action": action, "Resource": bucket.key},
    ]
    s3 = bucket.client.as_role("s3", create_role(bucket.client, f"{bucket.name}-r", policy))
    calls: dict[str, Any] = {
        "kms:Decrypt": lambda: s3.get_object(Bucket=bucket.name, Key="k"),
        "kms:GenerateDataKey": lambda: s3.put_object(Bucket=bucket.name, Key="k", Body=b"y"),
    }
    calls.pop(action)()
    (other,) = calls.values()
    with pytest.raises(ClientError, match="AccessDenied"):
        other()


@pytest.mark.parametrize("state", UNUSABLE)
def test_under_a_key_that_cannot_be_used_not_even_the_root_reads_or_writes(
    bucket: Bucket, state: str
) -> None:
    s3, at, first = bucket.s3, {"Bucket": bucket.name, "Key": "k"}, bucket.put("k")
    bucket.put("k", **PLAIN)
    bucket.put("plain", **PLAIN)
    part = {**at, "PartNumber": 1, "UploadId": s3.create_multipart_upload(**at)["UploadId"]}
    source = {"CopySource": f"{bucket.name}/plain"}
    named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": bucket.key}
    bucket.lock(state)
    calls = {
        "get": lambda: s3.get_object(**at, VersionId=first, Range="bytes=0-0"),
        "put": lambda: s3.put_object(**at, Body=b"z"),
        "put under a named key": lambda: s3.put_object(**at, Body=b"z", **named),
        "copy": lambda: s3.copy_object(**at, **source),
        "begin": lambda: s3.create_multipart_upload(**at),
        "part": lambda: s3.upload_part(**part, Body=b"z"),
        "copied part": lambda: s3.upload_part_copy(**part, **source),
    }
    code, message = UNUSABLE[state]
    for name, call in calls.items():
        assert (name, *refused(call)) == (name, 400, code, message.format(bucket.key))

    assert bucket.body("k") == b"k", "it lies under no key"
    s3.copy_object(**at, **source, **PLAIN)
    assert bucket.body("k") == b"plain"


def refused(call: Any) -> tuple[int, str, str]:
    """Status, code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call()
    said = caught.value.response
    status = said["ResponseMetadata"]["HTTPStatusCode"]
    return status, said["Error"]["Code"], said["Error"].get("Message", "")


def test_what_lies_under_a_disabled_key_is_copied_nowhere_and_read_when_it_is_enabled(
    bucket: Bucket,
) -> None:
    bucket.put("k")
    at, source = {"Bucket": bucket.name, "Key": "other"}, {"CopySource": f"{bucket.name}/k"}
    part = bucket.s3.create_multipart_upload(**at, **PLAIN)["UploadId"]
    bucket.lock("disabled")

    for call in (
        lambda: bucket.s3.copy_object(**at, **source, **PLAIN),
        lambda: bucket.s3.upload_part_copy(**at, **source, PartNumber=1, UploadId=part),
    ):
        assert refused(call)[1] == "KMS.DisabledException"

    bucket.kms.enable_key(KeyId=bucket.key)
    assert bucket.body("k") == b"k"


def test_a_disabled_key_hides_an_objects_checksum_and_nothing_else_of_its_head(
    bucket: Bucket,
) -> None:
    bucket.put("k")
    bucket.lock("disabled")

    head = bucket.s3.head_object(Bucket=bucket.name, Key="k")
    assert (head["ContentLength"], head["SSEKMSKeyId"]) == (1, bucket.key)
    status, *_ = refused(
        lambda: bucket.s3.head_object(Bucket=bucket.name, Key="k", ChecksumMode="ENABLED")
    )
    assert status == 400
