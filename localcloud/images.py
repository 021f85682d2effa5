"""ECR where ministack falls short: an image that is not there is an error, not an empty list."""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecr

from localcloud import hooks
from localcloud.constants import ACCOUNT


def mount() -> None:
    """Declare the hooks of this module."""
    hooks.require(ecr, "_find_image", call=False)
    hooks.require(ecr, "_repositories", call=False)
    hooks.wrap(ecr, "_describe_images", "data")(_describe)


def stop() -> None:
    """Nothing runs here."""


def _describe(original: Any, data: dict[str, Any]) -> Any:
    """DescribeImages answers ImageNotFoundException for a tag or digest that does not exist."""
    name = data.get("repositoryName", "")
    if name in ecr._repositories:
        for image in data.get("imageIds") or []:
            if not ecr._find_image(name, image):
                message = (
                    f"The image with imageId {{imageDigest:'{image.get('imageDigest', 'null')}', "
                    f"imageTag:'{image.get('imageTag', 'null')}'}} does not exist within the "
                    f"repository with name '{name}' in the registry with id '{ACCOUNT}'"
                )
                return error_response_json("ImageNotFoundException", message, 400)
    return original(data)
