"""`sluice push` as its tests run it, and the bucket that it pushes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.__main__ import main
from tests.builders import BUCKET

if TYPE_CHECKING:
    from pathlib import Path


class Bucket:
    """What lies in the bucket."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def versions(self) -> list[str]:
        """The key of every version of every object, as S3 sorts them."""
        found = self.s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
        return [one["Key"] for one in found]

    def read(self, key: str) -> bytes:
        """An object's content."""
        data: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return data

    def head(self, key: str) -> dict[str, Any]:
        """What S3 says of an object."""
        head: dict[str, Any] = self.s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        return head


def push(path: Path, *options: str) -> int:
    """Push a path; the exit code."""
    return main(["push", str(path), "--bucket", BUCKET, *options])
