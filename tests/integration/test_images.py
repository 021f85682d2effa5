"""ECR: tags become digests once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.images import ImageNotFoundError, Images
from sluice.domain.image import ImageReference, parse_image
from tests.builders import ACCOUNT, REGION, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def ecr(aws: Callable[[str], Any]) -> Any:
    aws("ecr").create_repository(repositoryName="churn")
    return aws("ecr")


def push(ecr: Any, tag: str, content: str) -> str:
    pushed = ecr.put_image(repositoryName="churn", imageManifest=_manifest(content), imageTag=tag)
    digest: str = pushed["image"]["imageId"]["imageDigest"]
    return digest


def _manifest(content: str) -> str:
    config = {"digest": content}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config})


def image(form: str) -> ImageReference:
    reference = parse_image(f"{REPOSITORY}{form}", account=ACCOUNT, region=REGION)
    assert isinstance(reference, ImageReference)
    return reference


def test_a_tag_means_the_digest_it_points_to_now(ecr: Any) -> None:
    first = push(ecr, "stable", "one")
    push(ecr, "other", "two")
    assert Images(ecr).digest(image(":stable")) == first

    ecr.put_image(repositoryName="churn", imageManifest=_manifest("one"), imageTag="kept")

    third = push(ecr, "stable", "three")

    assert Images(ecr).digest(image(":stable")) == third != first
    assert Images(ecr).digest(image(f"@{first}")) == first


@pytest.mark.parametrize("form", [":none", f"@sha256:{'0' * 64}", "/other:stable"])
def test_an_image_that_is_not_there_is_not_found(ecr: Any, form: str) -> None:
    push(ecr, "stable", "one")

    with pytest.raises(ImageNotFoundError):
        Images(ecr).digest(image(form))


def test_a_denied_image_may_be_there(ecr: Any, faults: Faults) -> None:
    push(ecr, "stable", "one")

    with faults.refusing("DescribeImages", "AccessDeniedException"), pytest.raises(ClientError):
        Images(ecr).digest(image(":stable"))


def test_a_pinned_image_is_present_until_it_is_deleted(ecr: Any) -> None:
    pinned = f"{REPOSITORY}@{push(ecr, 'stable', 'one')}"
    assert Images(ecr).present(pinned)

    ecr.batch_delete_image(repositoryName="churn", imageIds=[{"imageTag": "stable"}])

    assert not Images(ecr).present(pinned)
