"""S3: pinned versions read, the inbox listed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.artifacts import ArtifactGoneError, Artifacts, ArtifactTooLargeError
from tests.builders import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults

KEY = "models/churn-v4/code/pre + ü.py"


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    return aws("s3")


def put(s3: Any, body: bytes, **extra: Any) -> str:
    version: str = s3.put_object(Bucket=BUCKET, Key=KEY, Body=body, **extra)["VersionId"]
    return version


def test_facts_are_those_of_the_version_not_of_the_newest(s3: Any) -> None:
    first = put(s3, b"first", Metadata={"git-sha": "9f8d111"})
    put(s3, b"the second one")

    facts = Artifacts(s3).facts(BUCKET, KEY, first)

    assert facts.size == 5
    assert facts.metadata == {"git-sha": "9f8d111"}
    assert facts.etag == hashlib.md5(b"first", usedforsecurity=False).hexdigest()


def test_a_version_is_read_up_to_a_limit(s3: Any) -> None:
    version = put(s3, b"12345")
    artifacts = Artifacts(s3)

    assert artifacts.read(BUCKET, KEY, version, limit=5) == b"12345"
    with pytest.raises(ArtifactTooLargeError):
        artifacts.read(BUCKET, KEY, version, limit=4)


def test_only_the_first_bytes_are_asked_for(s3: Any, faults: Faults) -> None:
    version = put(s3, b"12345")

    assert Artifacts(s3).first_bytes(BUCKET, KEY, version, count=3) == b"123"
    assert Artifacts(s3).first_bytes(BUCKET, KEY, put(s3, b"1"), count=3) == b"1"


def test_a_deleted_version_is_gone_and_a_denied_one_is_not(s3: Any, faults: Faults) -> None:
    version = put(s3, b"12345")
    with faults.refusing("HeadObject", "403", status=403), pytest.raises(ClientError):
        Artifacts(s3).facts(BUCKET, KEY, version)

    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)

    with pytest.raises(ArtifactGoneError):
        Artifacts(s3).facts(BUCKET, KEY, version)
    with pytest.raises(ArtifactGoneError):
        Artifacts(s3).read(BUCKET, KEY, version, limit=5)


def test_a_delete_marker_named_by_its_version_is_gone(s3: Any) -> None:
    put(s3, b"12345")
    marker = s3.delete_object(Bucket=BUCKET, Key=KEY)["VersionId"]

    with pytest.raises(ArtifactGoneError):
        Artifacts(s3).facts(BUCKET, KEY, marker)
