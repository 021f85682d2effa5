"""S3: the vault. What is in it was written once and is never written again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from sluice.adapters.artifacts import Artifacts, facts_of
from sluice.adapters.multipart import at_once
from sluice.domain.vault import Comparison, Standing, VaultCopy, comparison, same_checksums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_s3 import S3Client

    from sluice.domain.manifest import CapturedObject

# Somebody wrote this key before us; or we did, and the SDK sent the call again.
_STANDS = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_ABSENT = frozenset({"404", "NoSuchKey"})
# In S3's words; a key that is throttled or not answered for is none of these: it may be used later.
_UNUSABLE = frozenset(
    {"KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"}
)


class VaultConflictError(Exception):
    """The vault holds other bytes under this name than those to be kept."""


class NotComparedError(Exception):
    """What stands in the vault would have to be read whole, and there was no time for it."""


class Vault:
    """`releases/…` of the artifact bucket."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._artifacts = Artifacts(client)

    def kept(
        self,
        bucket: str,
        source: CapturedObject,
        *,
        key: str,
        known: VaultCopy | None = None,
        until: Callable[[], bool] = lambda: False,
    ) -> VaultCopy | None:
        """What stands at `key`, compared with its source; None when nothing does.

        If that is `known`, compared before, it is not read again: S3 serves no other bytes under a
        version id. Raises VaultConflictError when it holds anything else; NotComparedError when it
        would have to be read, and `until` says that nothing long may be begun any more.
        """
        standing = self._head(bucket, key)
        if standing is None:
            return None
        if known and _is(known, standing):
            return known
        if comparison(source, facts_of(standing)) is Comparison.STREAM and until():
            raise NotComparedError(key)
        return self._compared(bucket, source, key, standing)

    def stands(self, bucket: str, key: str) -> bool:
        """Whether anything stands at `key`."""
        return self._head(bucket, key) is not None

    def write_once(self, bucket: str, key: str, content: bytes) -> None:
        """Write a small object, unless it stands there. Raises VaultConflictError if it differs."""
        if self.keep(bucket, key, content, limit=len(content)) != content:
            raise VaultConflictError(f"{key} holds something else")

    def keep(self, bucket: str, key: str, content: bytes, *, limit: int) -> bytes:
        """Write a small object, unless one stands there; what stands there then.

        Raises VaultConflictError when that has more than `limit` bytes.
        """
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _STANDS:
                raise
            standing = self.content(bucket, key, limit=limit)
            if standing is None:
                raise
            return standing
        return content

    def content(self, bucket: str, key: str, *, limit: int) -> bytes | None:
        """The content of a small object, None where there is none.

        Needs s3:ListBucket: without it S3 answers 403 for what does not exist. Raises
        VaultConflictError beyond `limit` bytes.
        """
        try:
            found = self._client.get_object(Bucket=bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        data: bytes = found.read(limit + 1)
        if len(data) > limit:
            found.close()
            raise VaultConflictError(f"{key} has more than {limit} bytes")
        return data

    def read(self, bucket: str, copy: VaultCopy, *, limit: int) -> bytes:
        """The content of a small object as it was captured: S3 refuses any other (IfMatch)."""
        if copy.size > limit:
            raise VaultConflictError(f"{copy.key} has {copy.size} bytes, the limit is {limit}")
        found = self._client.get_object(Bucket=bucket, Key=copy.key, IfMatch=f'"{copy.etag}"')
        return found["Body"].read()

    def holds(self, bucket: str, copy: VaultCopy) -> bool:
        """Whether `key` still answers with exactly the version that was written."""
        found = self._head(bucket, copy.key)
        return found is not None and _is(copy, found)

    def standing(self, bucket: str, key: str) -> Standing | None:
        """What stands at `key`, or None where nothing does."""
        found = self._head(bucket, key)
        if found is None:
            return None
        facts = facts_of(found)
        return Standing(
            version_id=found.get("VersionId", ""),
            size=facts.size,
            etag=facts.etag,
            checksums=facts.checksums,
            checksum_type=facts.checksum_type,
        )

    def standings(self, bucket: str, keys: Sequence[str]) -> dict[str, Standing | None]:
        """What stands at each of the keys, a few asked at a time: a model may be 250 files."""
        found = at_once([partial(self.standing, bucket, key) for key in keys])
        return dict(zip(keys, found, strict=True))

    def listed(self, bucket: str, prefix: str) -> frozenset[str]:
        """The keys under a prefix that lead to an object now: what SageMaker would load of it."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return frozenset(one["Key"] for page in pages for one in page.get("Contents", []))

    def key_complaint(self, bucket: str, key: str) -> str:
        """Why the KMS key that an object lies under cannot be used, in S3's words; or nothing.

        One byte is read: S3 decrypts it, or names the key that is disabled, about to be deleted or
        gone. Of what cannot be read for another reason, or cannot be just now, nothing is said
        here: whoever reads it hears that.
        """
        try:
            self._client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()
        except ParamValidationError:  # nothing is where no bucket and no key can be called
            return ""
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _UNUSABLE:
                return f"{code}: {error.response['Error'].get('Message', '')}"
        return ""

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


def _is(known: VaultCopy, standing: dict[str, Any]) -> bool:
    found = facts_of(standing)
    seen = (standing.get("VersionId", ""), found.size, found.etag)
    return seen == (known.version_id, known.size, known.etag)
