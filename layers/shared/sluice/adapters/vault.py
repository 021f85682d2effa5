"""S3: the vault. What is in it was written once and is never written again.

A copy is always a multipart one, whatever its size: in a bucket whose policy enforces conditional
writes, CopyObject fails with the condition (501) and without it (403), while completing a multipart
upload takes `If-None-Match: *`. It also has no 5 GB limit, and one full-object checksum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from botocore.exceptions import ClientError

from sluice.adapters.artifacts import ArtifactGoneError, Artifacts, facts_of
from sluice.domain.manifest import CapturedObject, Manifest, parse_manifest
from sluice.domain.vault import Comparison, VaultCopy, comparison, same_checksums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef


_MIB = 1024 * 1024
SMALLEST_PART = 64 * _MIB
MOST_PARTS = 10_000
_MANIFEST_LIMIT = 1 * _MIB
# The only checksum that covers the whole object however it was uploaded.
_ALGORITHM: Final = "CRC64NVME"

# Somebody completed this key before us; or we did, and the SDK sent the call again.
_STANDS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"})
_SOURCE_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "PreconditionFailed"})
_ABSENT = frozenset({"404", "NoSuchKey"})


class VaultConflictError(Exception):
    """The vault holds other bytes under this name than those to be kept."""


class _Upload(TypedDict):
    """What names a multipart upload."""

    Bucket: str
    Key: str
    UploadId: str


class Vault:
    """`releases/…` of the artifact bucket."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._artifacts = Artifacts(client)

    def keep(
        self, bucket: str, source: CapturedObject, *, key: str, fresh: bool = False
    ) -> VaultCopy:
        """Copy the pinned version to `key`, unless it stands there; either way compare the two.

        `fresh` expects nothing there, and saves the look. Raises ArtifactGoneError when the source
        is deleted, VaultConflictError when `key` holds anything else.
        """
        standing = None if fresh else self._head(bucket, key)
        if standing is None:
            self._copy(bucket, source, key)
            standing = self._head(bucket, key)
        if standing is None:
            raise VaultConflictError(f"{key} was deleted from the vault while it was written")
        return self._compared(bucket, source, key, standing)

    def write_once(self, bucket: str, key: str, content: bytes) -> None:
        """Write a small object, unless it stands there. Raises VaultConflictError if it differs."""
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _STANDS:
                raise
            standing = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            if standing.read(len(content) + 1) != content:
                raise VaultConflictError(f"{key} holds something else") from error

    def manifest(self, uri: str, *, digest: str) -> Manifest:
        """The manifest at `uri`. Raises ManifestError unless its digest is `digest`."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        return parse_manifest(body.read(_MANIFEST_LIMIT).decode("utf-8"), digest=digest)

    def read(self, bucket: str, copy: VaultCopy, *, limit: int) -> bytes:
        """The content of a small object as it was captured: S3 refuses any other (IfMatch)."""
        if copy.size > limit:
            raise VaultConflictError(f"{copy.key} has {copy.size} bytes, the limit is {limit}")
        found = self._client.get_object(Bucket=bucket, Key=copy.key, IfMatch=f'"{copy.etag}"')
        return found["Body"].read()

    def holds(self, bucket: str, copy: VaultCopy) -> bool:
        """Whether `key` still answers with exactly the version that was written."""
        found = self._head(bucket, copy.key)
        return (
            found is not None
            and found.get("VersionId", "") == copy.version_id
            and found["ContentLength"] == copy.size
            and found["ETag"].strip('"') == copy.etag
        )

    def _copy(self, bucket: str, source: CapturedObject, key: str) -> None:
        if source.size == 0:
            # A multipart upload has at least one part, and no part can be copied from nothing.
            self.write_once(bucket, key, b"")
            return
        upload = self._client.create_multipart_upload(
            Bucket=bucket, Key=key, ChecksumAlgorithm=_ALGORITHM
        )
        named: _Upload = {"Bucket": bucket, "Key": key, "UploadId": upload["UploadId"]}
        try:
            parts = [self._copy_part(named, source, *part) for part in cut(source.size)]
            self._client.complete_multipart_upload(
                **named, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        except ClientError as error:
            self._abandon(named)
            if error.response["Error"]["Code"] not in _STANDS or self._head(bucket, key) is None:
                raise
        except ArtifactGoneError:
            self._abandon(named)
            raise

    def _copy_part(
        self, named: _Upload, source: CapturedObject, number: int, extent: str
    ) -> CompletedPartTypeDef:
        pinned: CopySourceTypeDef = {
            "Bucket": named["Bucket"],
            "Key": source.source_key,
            "VersionId": source.version_id,
        }
        # A range is refused for sources of 5 MB and less; a single part is the whole object.
        extents: Any = {"CopySourceRange": extent} if extent else {}
        try:
            answer = self._client.upload_part_copy(
                **named,
                PartNumber=number,
                CopySource=pinned,
                CopySourceIfMatch=f'"{source.etag}"',
                **extents,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _SOURCE_GONE:
                raise ArtifactGoneError(f"{source.source_key} is deleted") from error
            raise
        result = answer["CopyPartResult"]
        part: CompletedPartTypeDef = {"PartNumber": number, "ETag": result["ETag"]}
        if checksum := result.get("ChecksumCRC64NVME"):
            part["ChecksumCRC64NVME"] = checksum
        return part

    def _abandon(self, named: _Upload) -> None:
        """Free the parts. Should even this fail, the bucket's lifecycle does it in a day."""
        try:
            self._client.abort_multipart_upload(**named)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise

    def _compared(
        self, bucket: str, source: CapturedObject, key: str, copy: dict[str, Any]
    ) -> VaultCopy:
        facts, version_id = facts_of(copy), copy.get("VersionId", "")
        if facts.size != source.size or not same_checksums(source, facts):
            raise VaultConflictError(f"{key} holds other bytes than {source.source_key}")
        how = comparison(source, facts)
        sha256 = source.sha256
        if how is Comparison.STREAM:
            sha256 = self._same_content(bucket, source, key, version_id)
        return VaultCopy(
            name=source.name,
            key=key,
            version_id=version_id,
            size=facts.size,
            etag=facts.etag,
            checksums=facts.checksums,
            checksum_type=facts.checksum_type,
            sha256=sha256,
            compared=how,
        )

    def _same_content(self, bucket: str, source: CapturedObject, key: str, version_id: str) -> str:
        """The SHA-256 that both sides have. Raises VaultConflictError when they differ."""
        kept = self._artifacts.sha256(bucket, key, version_id)
        pushed = source.sha256 or self._artifacts.sha256(
            bucket, source.source_key, source.version_id
        )
        if kept != pushed:
            raise VaultConflictError(f"{key} holds other bytes than {source.source_key}")
        return kept

    def _head(self, bucket: str, key: str) -> dict[str, Any] | None:
        try:
            return dict(self._client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED"))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise


def cut(size: int) -> Iterator[tuple[int, str]]:
    """Number and byte range of each part of a copy; one part has no range: it is everything."""
    if size <= SMALLEST_PART:
        yield 1, ""
        return
    length = max(SMALLEST_PART, -(-size // MOST_PARTS))
    for number, start in enumerate(range(0, size, length), start=1):
        yield number, f"bytes={start}-{min(start + length, size) - 1}"
