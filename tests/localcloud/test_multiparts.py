"""S3's multipart uploads: copied parts, what is kept unfinished, full-object checksums.

AWS: AmazonS3/latest/userguide/mpuoverview.html
AWS: AmazonS3/latest/userguide/checking-object-integrity-upload.html
Model: s3.UploadPartCopy
Model: s3.CompleteMultipartUpload
"""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from awscrt import checksums

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.test_storage import ODD_KEY, refused

PART = 5 * 2**20


class Copy:
    """A multipart upload that copies a pinned version of another object."""

    def __init__(self, client: Clients, name: str, body: bytes) -> None:
        self.s3, self.bucket = client("s3"), name
        self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self.version = self.s3.put_object(Bucket=name, Key="source", Body=body)["VersionId"]
        self.named = {"Bucket": name, "Key": "copy"}
        self.named["UploadId"] = self.s3.create_multipart_upload(
            **self.named, ChecksumAlgorithm="CRC64NVME"
        )["UploadId"]

    def part(self, number: int, first: int, last: int) -> dict[str, Any]:
        """Copy one part; what completing names it by."""
        result = self.s3.upload_part_copy(
            **self.named,
            PartNumber=number,
            CopySource={"Bucket": self.bucket, "Key": "source", "VersionId": self.version},
            CopySourceRange=f"bytes={first}-{last}",
        )["CopyPartResult"]
        return {
            "PartNumber": number,
            "ETag": result["ETag"],
            "ChecksumCRC64NVME": result["ChecksumCRC64NVME"],
        }

    def complete(self, parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Complete the upload."""
        done: dict[str, Any] = self.s3.complete_multipart_upload(
            **self.named, MultipartUpload={"Parts": parts}, **more
        )
        return done


@pytest.fixture
def copy(client: Clients, unique: str) -> Copy:
    """A copy of ten megabytes and a byte, in three parts."""
    return Copy(client, unique, bytes(range(256)) * (2 * PART // 256) + b"x")


def crc64nvme(body: bytes) -> str:
    """The checksum as S3 spells it."""
    return base64.b64encode(checksums.crc64nvme(body).to_bytes(8)).decode()


def three(copy: Copy) -> list[dict[str, Any]]:
    """All parts of the copy."""
    extents = ((0, PART - 1), (PART, 2 * PART - 1), (2 * PART, 2 * PART))
    return [copy.part(number, *extent) for number, extent in enumerate(extents, start=1)]


def test_a_copied_object_has_one_checksum_of_the_whole(copy: Copy) -> None:
    # checking-object-integrity-upload: CRC64NVME of a multipart upload is always full object.
    source = copy.s3.get_object(Bucket=copy.bucket, Key="source")["Body"].read()
    parts = three(copy)

    done = copy.complete(parts)

    head = copy.s3.head_object(Bucket=copy.bucket, Key="copy", ChecksumMode="ENABLED")
    assert parts[2]["ChecksumCRC64NVME"] == crc64nvme(b"x")
    for one in (done, head):
        assert (one["ChecksumCRC64NVME"], one["ChecksumType"]) == (crc64nvme(source), "FULL_OBJECT")
    assert head["ETag"].endswith('-3"')


def test_the_parts_of_an_unfinished_upload_are_listed_until_it_ends(copy: Copy) -> None:
    # API ListParts: part number, ETag, size and checksum; the list is paged.
    parts = three(copy)
    pages = copy.s3.get_paginator("list_parts").paginate(
        **copy.named, PaginationConfig={"PageSize": 2}
    )
    listed = [part for page in pages for part in page["Parts"]]

    assert [{name: one[name] for name in parts[0]} for one in listed] == parts
    assert [one["Size"] for one in listed] == [PART, PART, 1]

    copy.complete(parts)
    assert refused(copy.s3.list_parts, **copy.named) == "NoSuchUpload"


def test_a_part_copied_again_replaces_the_one_before(copy: Copy) -> None:
    parts = three(copy)
    changed = copy.part(3, 0, PART - 1)

    assert changed["ETag"] != parts[2]["ETag"]
    assert refused(copy.complete, parts=parts) == "InvalidPart"
    copy.complete([*parts[:2], changed])


def test_completing_twice_answers_twice_and_makes_one_version(copy: Copy) -> None:
    # API CompleteMultipartUpload: "processing … is idempotent".
    parts = three(copy)

    assert copy.complete(parts)["ETag"] == copy.complete(parts, IfNoneMatch="*")["ETag"]

    versions = copy.s3.list_object_versions(Bucket=copy.bucket, Prefix="copy")["Versions"]
    assert len(versions) == 1


def resident(cloud: LocalCloud) -> int:
    """The bytes that the server holds in memory."""
    pages = int(Path(f"/proc/{cloud.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_parts_take_no_memory_of_their_own_until_they_are_the_object(
    client: Clients, cloud: LocalCloud, unique: str
) -> None:
    # Ours: an artifact of gigabytes is copied on one machine.
    size = 16 * PART
    copy = Copy(client, unique, bytes(range(256)) * (size // 256))
    copy.part(1, 0, PART - 1)
    before = resident(cloud)

    for number in range(1, 16):
        copy.part(number + 1, number * PART, (number + 1) * PART - 1)

    assert resident(cloud) - before < size // 3


def test_versions_are_listed_newest_first_and_paged(copy: Copy) -> None:
    s3, bucket = copy.s3, copy.bucket
    ids = [s3.put_object(Bucket=bucket, Key=ODD_KEY, Body=b"%d" % n)["VersionId"] for n in range(3)]
    s3.delete_object(Bucket=bucket, Key="inbox/gone")

    first = s3.list_object_versions(Bucket=bucket, Prefix="inbox/", MaxKeys=2)
    rest = s3.list_object_versions(
        Bucket=bucket,
        Prefix="inbox/",
        KeyMarker=first["NextKeyMarker"],
        VersionIdMarker=first["NextVersionIdMarker"],
    )

    assert first["IsTruncated"]
    assert not rest["IsTruncated"]
    versions = [*first["Versions"], *rest["Versions"]]
    assert [one["VersionId"] for one in versions] == ids[::-1]
    assert {one["Key"] for one in versions} == {ODD_KEY}
    assert [one["IsLatest"] for one in versions] == [True, False, False]
    assert [one["Key"] for one in rest["DeleteMarkers"]] == ["inbox/gone"]


def test_an_object_was_written_at_the_clouds_time(cloud: LocalCloud, copy: Copy) -> None:
    before = cloud.now().replace(microsecond=0)
    copy.s3.put_object(Bucket=copy.bucket, Key="now", Body=b"x")

    assert before <= copy.s3.head_object(Bucket=copy.bucket, Key="now")["LastModified"]
    listed = copy.s3.list_object_versions(Bucket=copy.bucket, Prefix="now")["Versions"]
    assert before <= listed[0]["LastModified"] <= cloud.now()
