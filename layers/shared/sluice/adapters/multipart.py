"""S3: multipart copies of a pinned version, part by part.

S3 keeps a multipart upload and its finished parts until somebody completes or aborts it, so what an
invocation left unfinished is read back from S3 itself: ten thousand parts would not fit into an
item of the ledger (400 KB).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import ClientError

from sluice.adapters.artifacts import ArtifactGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

    from sluice.domain.manifest import CapturedObject
    from sluice.domain.parts import Part

AT_A_TIME = 8
"""Parts copied at once: within the ten connections that boto3 keeps to one service."""

# The only checksum that covers the whole object however it was uploaded.
_ALGORITHM: Final = "CRC64NVME"

# Somebody completed this key before us; or we did, and the SDK sent the call again.
_STANDS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"})
_SOURCE_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "PreconditionFailed"})


def at_once[T](calls: Sequence[Callable[[], T]]) -> list[T]:
    """What the calls answer, a few of them made at a time; after an error no more are begun."""
    with ThreadPoolExecutor(max_workers=min(AT_A_TIME, len(calls) or 1)) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


class UploadEndedError(Exception):
    """The multipart upload is over: somebody completed the key, or aborted the upload."""


class PartsChangedError(Exception):
    """Somebody copied a part again meanwhile: the parts must be listed anew."""


class Finished(NamedTuple):
    """A part that S3 holds, as completing the upload names it."""

    etag: str
    checksum: str = ""
    """Its CRC64NVME, where S3 says it."""


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """What names a multipart upload."""

    bucket: str
    key: str
    upload_id: str

    @property
    def named(self) -> Any:
        """The parameters that name it in every call."""
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.upload_id}


class Multipart:
    """Multipart uploads into the vault."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def begin(self, bucket: str, key: str) -> MultipartUpload:
        """A new multipart upload to `key`."""
        begun = self._client.create_multipart_upload(
            Bucket=bucket, Key=key, ChecksumAlgorithm=_ALGORITHM
        )
        return MultipartUpload(bucket, key, begun["UploadId"])

    def finished(self, upload: MultipartUpload) -> dict[int, Finished]:
        """The parts S3 has, by number. Raises UploadEndedError."""
        try:
            pages = self._client.get_paginator("list_parts").paginate(**upload.named)
            parts = [part for page in pages for part in page.get("Parts", [])]
        except ClientError as error:
            raise _ended(error) from error
        return {part["PartNumber"]: _finished(part) for part in parts}

    def copy(
        self,
        upload: MultipartUpload,
        source: CapturedObject,
        parts: Iterable[Part],
        *,
        until: Callable[[], bool],
    ) -> dict[int, Finished]:
        """Copy parts of the pinned version, a few at a time; those that were finished.

        Begins no more of them once `until` is true. Raises ArtifactGoneError when the source is
        deleted, UploadEndedError.
        """

        def one(part: Part) -> tuple[int, Finished] | None:
            return None if until() else (part.number, self._copy_part(upload, source, part))

        return dict(filter(None, at_once([partial(one, part) for part in parts])))

    def complete(self, upload: MultipartUpload, parts: Mapping[int, Finished]) -> None:
        """Make the parts the object, unless one stands there.

        Raises UploadEndedError, which a lost reply ends in too, and PartsChangedError.
        """
        named: list[CompletedPartTypeDef] = []
        for number, part in sorted(parts.items()):
            completed: CompletedPartTypeDef = {"PartNumber": number, "ETag": part.etag}
            if part.checksum:
                completed["ChecksumCRC64NVME"] = part.checksum
            named.append(completed)
        try:
            self._client.complete_multipart_upload(
                **upload.named, MultipartUpload={"Parts": named}, IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidPart":
                raise PartsChangedError(upload.key) from error
            raise _ended(error) from error

    def abandon(self, upload: MultipartUpload) -> None:
        """Free the parts. Should even this fail, the bucket's lifecycle does it in a week."""
        try:
            self._client.abort_multipart_upload(**upload.named)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise

    def _copy_part(self, upload: MultipartUpload, source: CapturedObject, part: Part) -> Finished:
        pinned: CopySourceTypeDef = {
            "Bucket": upload.bucket,
            "Key": source.source_key,
            "VersionId": source.version_id,
        }
        # A range is refused for sources of 5 MB and less; a single part is the whole object.
        extents: Any = {"CopySourceRange": part.extent} if part.extent else {}
        try:
            answer = self._client.upload_part_copy(
                **upload.named,
                PartNumber=part.number,
                CopySource=pinned,
                CopySourceIfMatch=f'"{source.etag}"',
                **extents,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _SOURCE_GONE:
                raise ArtifactGoneError(f"{source.source_key} is deleted") from error
            raise _ended(error) from error
        return _finished(dict(answer["CopyPartResult"]))


def _finished(part: Any) -> Finished:
    return Finished(part["ETag"], part.get("ChecksumCRC64NVME", ""))


def _ended(error: ClientError) -> Exception:
    """UploadEndedError where S3 says so; anything else stays what it is."""
    if error.response["Error"]["Code"] in _STANDS:
        return UploadEndedError(str(error))
    return error
