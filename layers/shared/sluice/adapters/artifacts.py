"""S3: artifacts, each named by its version id, read without ever unpacking one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.domain.inbox import Facts
from sluice.domain.sweep import Cursor, Listed, Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_s3 import S3Client

_CHUNK = 1024 * 1024
# A HEAD answer has no body, so its error code is the status; 405 is a delete marker's.
_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"})


class ArtifactGoneError(Exception):
    """The version of the object does not exist any more."""


class ArtifactTooLargeError(Exception):
    """The object is larger than its reader is willing to read."""


class Artifacts:
    """Versions of objects, as they were pushed."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def facts(self, bucket: str, key: str, version_id: str) -> Facts:
        """What S3 says of the version. Raises ArtifactGoneError when it is deleted.

        Needs s3:ListBucket: without it S3 answers 403 for what does not exist, and a deleted
        artifact would be retried for ever.
        """
        try:
            head = self._client.head_object(
                Bucket=bucket, Key=key, VersionId=version_id, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            raise _translated(error, key) from error
        return facts_of(dict(head))

    def read(self, bucket: str, key: str, version_id: str, *, limit: int) -> bytes:
        """The version's content. Raises ArtifactTooLargeError beyond `limit` bytes."""
        body = self._open(bucket, key, version_id)["Body"]
        data: bytes = body.read(limit + 1)
        if len(data) > limit:
            body.close()
            raise ArtifactTooLargeError(f"{key} is larger than {limit} bytes")
        return data

    def first_bytes(self, bucket: str, key: str, version_id: str, *, count: int) -> bytes:
        """The first bytes of a version that is not empty."""
        opened = self._open(bucket, key, version_id, Range=f"bytes=0-{count - 1}")
        data: bytes = opened["Body"].read(count)
        return data

    def sha256(self, bucket: str, key: str, version_id: str) -> str:
        """The SHA-256 of the version's content, read in pieces."""
        digest = hashlib.sha256()
        for chunk in self._open(bucket, key, version_id)["Body"].iter_chunks(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def is_current(self, bucket: str, key: str, version_id: str) -> bool:
        """Whether the version is the newest of its key: not overwritten, not deleted."""
        # Keys are listed in order, so a key that is there comes before all that it begins.
        page = self._client.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=1)
        newest = [one for one in page.get("Versions", []) if one["IsLatest"]]
        return [(one["Key"], one["VersionId"]) for one in newest] == [(key, version_id)]

    def listed(self, bucket: str, prefixes: Sequence[str], *, after: Cursor) -> Iterator[Page]:
        """The newest version of every key under `prefixes`, in pages of up to 1,000 versions.

        The prefixes come in their order, which is the keys'; `after` tells where to begin.
        """
        left = [prefix for prefix in prefixes if after.key < prefix or after.key.startswith(prefix)]
        for prefix, following in zip(left, [*left[1:], ""], strict=True):
            # A prefix itself, left by whoever came to its predecessor's end, is no key's marker.
            inside = after.key.startswith(prefix) and after.key != prefix
            begin = after if inside else Cursor()
            for page in self._pages(bucket, prefix, after=begin):
                # An empty cursor would begin anew: what comes next is another prefix.
                goes_on = page.next if page.next.key else Cursor(key=following)
                yield page.model_copy(update={"next": goes_on})

    def _pages(self, bucket: str, prefix: str, *, after: Cursor) -> Iterator[Page]:
        while True:
            begin = {"KeyMarker": after.key, "VersionIdMarker": after.version_id}
            page = self._client.list_object_versions(
                Bucket=bucket,
                Prefix=prefix,
                **{name: value for name, value in begin.items() if value},  # type: ignore[arg-type]
            )
            after = Cursor(
                key=page.get("NextKeyMarker", "") if page["IsTruncated"] else "",
                version_id=page.get("NextVersionIdMarker", "") if page["IsTruncated"] else "",
            )
            newest = [one for one in page.get("Versions", []) if one["IsLatest"]]
            yield Page(objects=tuple(map(_listed, newest)), next=after)
            if not after.key:
                return

    def _open(self, bucket: str, key: str, version_id: str, **more: str) -> dict[str, Any]:
        try:
            return dict(
                self._client.get_object(Bucket=bucket, Key=key, VersionId=version_id, **more)  # type: ignore[arg-type]
            )
        except ClientError as error:
            raise _translated(error, key) from error


def facts_of(head: dict[str, Any]) -> Facts:
    """The facts in a HeadObject answer."""
    checksums = {
        name.removeprefix("Checksum"): value
        for name, value in head.items()
        if name.startswith("Checksum") and name != "ChecksumType"
    }
    return Facts(
        size=head["ContentLength"],
        etag=head["ETag"].strip('"'),
        last_modified=head["LastModified"],
        metadata=head.get("Metadata", {}),
        checksums=checksums,
        checksum_type=head.get("ChecksumType", ""),
    )


def _listed(version: Any) -> Listed:
    return Listed(
        key=version["Key"], version_id=version["VersionId"], last_modified=version["LastModified"]
    )


def _translated(error: ClientError, key: str) -> Exception:
    """ArtifactGoneError where S3 says so; denials, keys and throttling stay what they are."""
    if error.response["Error"]["Code"] in _GONE:
        return ArtifactGoneError(f"{key} is deleted")
    return error
