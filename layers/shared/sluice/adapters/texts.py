"""S3: manifests and texts of the vault, as the function that serves a release reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "InvalidBucketName", "AccessDenied"})
"""Who may not list a bucket is denied what is not there (S3 API reference, GetObject)."""


class Texts:
    """Small objects below `releases/`.

    Whoever reads them knows the SHA-256 that they must have. Apart from `Vault`, which has much to
    import that no answer needs.
    """

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, bucket: str, key: str) -> bytes:
        """The content of one object."""
        return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def find(self, bucket: str, key: str) -> str | None:
        """The content of one object, or None where there is none, or no text.

        Nothing is anywhere that no bucket and no key can be called.
        """
        try:
            return self.read(bucket, key).decode()
        except (UnicodeDecodeError, ParamValidationError):
            return None
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
