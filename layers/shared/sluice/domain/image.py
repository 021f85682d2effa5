"""Container images: named by tag when pushed, by digest for ever after."""

from __future__ import annotations

import re

from sluice.domain.refusal import Reason, Refusal
from sluice.domain.values import Value

MAX_URI = 255  # SageMaker's limit for a container's Image
_URI = re.compile(
    r"(?P<registry>(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)"
    r"/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))"
)


class ImageReference(Value):
    """An image in a private ECR repository, by a tag or by a digest."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def pinned(self, digest: str) -> str:
        """The image's URI by its digest."""
        return f"{self.registry}/{self.repository}@{digest}"


def parse_image(uri: str, *, account: str, region: str) -> ImageReference | Refusal:
    """The image `uri` names in this account and Region, or why it names none."""
    found = _URI.fullmatch(uri)
    if found is None:
        form = "{account}.dkr.ecr.{region}.amazonaws.com/{repository}, then :{tag} or @{digest}"
        detail = f"{uri!r} is not {form}"
        return Refusal(reason=Reason.IMAGE_NOT_OURS, detail=detail)
    if (found["account"], found["region"]) != (account, region):
        detail = f"{uri!r} is not in account {account}, Region {region}"
        return Refusal(reason=Reason.IMAGE_NOT_OURS, detail=detail)
    reference = ImageReference(
        registry=found["registry"],
        repository=found["repository"],
        tag=found["tag"] or "",
        digest=found["digest"] or "",
    )
    if len(reference.pinned(f"sha256:{'0' * 64}")) > MAX_URI:
        detail = f"{uri!r} is longer than {MAX_URI} characters once it is named by its digest"
        return Refusal(reason=Reason.IMAGE_NOT_OURS, detail=detail)
    return reference


def pinned_image(uri: str) -> ImageReference:
    """The image that `ImageReference.pinned` named: `pinned_image(i.pinned(d)).digest == d`."""
    name, _, digest = uri.partition("@")
    registry, _, repository = name.partition("/")
    return ImageReference(registry=registry, repository=repository, digest=digest)
