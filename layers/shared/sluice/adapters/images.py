"""ECR: which digest a tag means, and whether an image is there to be pulled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from sluice.domain.image import pinned_image

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

    from sluice.domain.image import ImageReference

_ABSENT = frozenset({"RepositoryNotFoundException", "ImageNotFoundException"})
_ACTIVE = "ACTIVE"


class ImageNotFoundError(Exception):
    """ECR has no such image."""


class ImageNotActiveError(Exception):
    """ECR has archived the image: nobody can pull it."""


class Images:
    """The private repositories of this account and Region."""

    def __init__(self, client: ECRClient) -> None:
        self._client = client

    def present(self, uri: str) -> bool:
        """Whether the image that a manifest names by digest can still be pulled."""
        try:
            self.digest(pinned_image(uri))
        except (ImageNotFoundError, ImageNotActiveError):
            return False
        return True

    def digest(self, image: ImageReference) -> str:
        """The digest of the image, by whatever it is named.

        A multi-architecture tag means an index, and its digest pins every platform's image.
        Raises ImageNotFoundError and ImageNotActiveError.
        """
        named = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag}
        try:
            found = self._client.describe_images(
                registryId=image.registry.partition(".")[0],
                repositoryName=image.repository,
                imageIds=[named],  # type: ignore[list-item]
            )["imageDetails"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise ImageNotFoundError(f"{image.repository} has no such image") from error
            raise
        detail = dict(found[0])
        if detail.get("imageStatus", _ACTIVE) != _ACTIVE:
            raise ImageNotActiveError(f"the image is {detail['imageStatus']}")
        return str(detail["imageDigest"])
