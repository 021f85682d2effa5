"""S3: every version that is stored under a prefix, and the tag by which the bucket expires one.

Only people with the operator's role ever tag: no function of ours may, and the bucket's policy
denies it to everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sluice.domain.retention import EXPIRED, KEPT, TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

_DENIED = frozenset({"AccessDenied", "403"})


class TaggingDeniedError(Exception):
    """Who asks may not tag objects of the vault."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One stored version of an object."""

    key: str
    version_id: str
    size: int
    current: bool
    """Whether it is what stands under its key: neither overwritten nor behind a delete marker."""


class Expiry:
    """Versions in the artifact bucket."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def under(self, bucket: str, prefix: str) -> Iterator[StoredVersion]:
        """Every version of every object whose key begins with `prefix`; no delete markers."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix
        )
        for page in pages:
            for one in page.get("Versions", []):
                yield StoredVersion(one["Key"], one["VersionId"], one["Size"], one["IsLatest"])

    def expire(self, bucket: str, held: StoredVersion) -> None:
        """Tag the version to expire. Safe to repeat. Raises TaggingDeniedError."""
        self._say(bucket, held, EXPIRED)

    def keep(self, bucket: str, held: StoredVersion) -> None:
        """Tag the version to stay, whatever it was tagged to. Raises TaggingDeniedError."""
        self._say(bucket, held, KEPT)

    def _say(self, bucket: str, held: StoredVersion, value: str) -> None:
        """Write our tag beside those of others.

        S3 replaces all tags of a version at once, so of two writers the later one has its way.
        """
        tags, ours = self._tags(bucket, held), {"Key": TAG, "Value": value}
        if ours in tags:
            return
        others = [one for one in tags if one["Key"] != TAG]
        try:
            self._client.put_object_tagging(
                Bucket=bucket,
                Key=held.key,
                VersionId=held.version_id,
                Tagging={"TagSet": [*others, {"Key": TAG, "Value": value}]},
            )
        except ClientError as error:
            raise _translated(error) from error

    def _tags(self, bucket: str, held: StoredVersion) -> list[TagTypeDef]:
        try:
            found = self._client.get_object_tagging(
                Bucket=bucket, Key=held.key, VersionId=held.version_id
            )
        except ClientError as error:
            raise _translated(error) from error
        return found["TagSet"]


def _translated(error: ClientError) -> Exception:
    denied = error.response["Error"]["Code"] in _DENIED
    return TaggingDeniedError(str(error)) if denied else error
