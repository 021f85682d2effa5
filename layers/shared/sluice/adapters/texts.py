"""S3: manifests and texts of the vault, as the function that serves a release reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
