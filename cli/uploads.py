"""Put files where engineers push: each looked for first, so that a push can be repeated.

What stands there with the same bytes is left alone. Whoever else pushes at the same time is never
overwritten unawares: each write is conditioned on what was seen, and one that meets another, or
whose answer was lost, looks again. Weights of more than one part have no such condition in boto3:
two who push different ones at once leave two versions of the object, of which one registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from cli.errors import RefusedError, UnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from cli.filesets import File

ONE_PART = 64 * 1024 * 1024
"""Bytes; larger weights go up in parts of that size."""
_ATTEMPTS = 5
_STANDS = frozenset({"PreconditionFailed", "412"})
_MET_ANOTHER = _STANDS | {"ConditionalRequestConflict", "409"}
_ABSENT = frozenset({"404", "NoSuchKey"})
_DENIED = frozenset({"403", "AccessDenied"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands under a key."""

    version_id: str
    etag: str
    size: int
    checksums: Mapping[str, str]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A file that lies where it is to lie."""

    file: File
    version_id: str
    uploaded: bool
    """Whether it was brought there now; else it stood there with the same bytes."""


class Inbox:
    """The bucket that engineers push to."""

    def __init__(
        self, client: S3Client, bucket: str, *, progress: Callable[[str, int, int], None]
    ) -> None:
        """`progress` hears of a file's name, the bytes that are up, and all its bytes."""
        self._client = client
        self.bucket = bucket
        self._progress = progress

    def differs(self, file: File) -> bool:
        """Whether something else stands under the key already."""
        standing = self._standing(file)
        return standing is not None and not self._same(file, standing)

    def push(self, file: File, *, again: bool = False) -> Pushed:
        """Bring the file there, unless it stands there; `again`: as a new version, if it does.

        Raises RefusedError, UnusableError.
        """
        for _ in range(_ATTEMPTS):
            standing = self._standing(file)
            if standing and not again and self._same(file, standing):
                return Pushed(file, standing.version_id, uploaded=False)
            version_id = self._put(file, standing)
            if version_id is not None:
                return Pushed(file, version_id, uploaded=True)
        raise RefusedError(f"{file.key} kept changing: somebody else pushes there; push again")

    def _standing(self, file: File) -> Standing | None:
        """None where nothing stands, or where it may not be read: the write finds out."""
        try:
            head = self._client.head_object(
                Bucket=self.bucket, Key=file.key, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT | _DENIED:
                return None
            raise
        checksums = {
            name.removeprefix("Checksum"): str(value)
            for name, value in head.items()
            if name.startswith("Checksum")
        }
        return Standing(
            version_id=head.get("VersionId", ""),
            etag=head["ETag"],
            size=head["ContentLength"],
            checksums=checksums,
            metadata=head.get("Metadata", {}),
        )

    def _same(self, file: File, standing: Standing) -> bool:
        if standing.size != file.size or dict(standing.metadata) != dict(file.metadata):
            return False
        known = standing.checksums.get(file.algorithm)
        if known:
            return known == file.checksum()
        # Others upload with other checksums; what is small is compared itself.
        return file.path is None and self._read(file, standing) == file.data

    def _read(self, file: File, standing: Standing) -> bytes:
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=file.key, IfMatch=standing.etag)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT | _MET_ANOTHER:
                return b""  # it changed meanwhile: the write will find out
            raise
        data: bytes = found["Body"].read()
        return data

    def _put(self, file: File, over: Standing | None) -> str | None:
        """The new version's id; None where another was met, or our own first attempt."""
        if file.path and file.size > ONE_PART:
            return self._put_parts(file)
        data = file.path.read_bytes() if file.path else file.data
        condition: dict[str, Any] = {"IfMatch": over.etag} if over else {"IfNoneMatch": "*"}
        try:
            put = self._client.put_object(
                Bucket=self.bucket,
                Key=file.key,
                Body=data,
                Metadata=dict(file.metadata),
                ChecksumAlgorithm=file.algorithm,  # type: ignore[arg-type]
                **{f"Checksum{file.algorithm}": file.checksum()},  # type: ignore[arg-type]
                **condition,
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _STANDS and over is None and self._standing(file) is None:
                advice = "s3:GetObject tells whether it is the same"
                message = f"something stands at {file.key} that cannot be read: {advice}"
                raise UnusableError(message) from error
            if code in _MET_ANOTHER | _ABSENT:
                return None
            raise
        self._progress(file.name, file.size, file.size)
        return str(put.get("VersionId", ""))

    def _put_parts(self, file: File) -> str:
        up = list[int]()  # parts go up from several threads; appending is safe

        def more(count: int) -> None:
            up.append(count)
            self._progress(file.name, sum(up), file.size)

        extra = {
            "Metadata": dict(file.metadata),
            "ChecksumAlgorithm": file.algorithm,
            f"Checksum{file.algorithm}": file.checksum(),
        }
        config = TransferConfig(multipart_threshold=ONE_PART, multipart_chunksize=ONE_PART)
        try:
            self._client.upload_file(
                str(file.path), self.bucket, file.key, ExtraArgs=extra, Callback=more, Config=config
            )
        except S3UploadFailedError as error:
            raise UnusableError(f"{file.key}: {error}; push again, what is up stays") from error
        standing = self._standing(file)
        return standing.version_id if standing else ""
