"""ECR: images found by tag and by digest, under IAM.

Model: ecr.DescribeImages
Model: ecr.PutImage
AWS: service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

import hashlib
import json

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_role

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(),
        },
        "layers": [],
    }
)
DIGEST = "sha256:" + hashlib.sha256(MANIFEST.encode()).hexdigest()


def test_an_image_is_found_by_its_tag_and_its_digest(client: Clients, unique: str) -> None:
    ecr = client("ecr")
    ecr.create_repository(repositoryName=unique)
    ecr.put_image(repositoryName=unique, imageManifest=MANIFEST, imageTag="v1")
    for image in ({"imageTag": "v1"}, {"imageDigest": DIGEST}):
        (found,) = ecr.describe_images(repositoryName=unique, imageIds=[image])["imageDetails"]
        assert (found["imageDigest"], found["imageTags"]) == (DIGEST, ["v1"])
        (got,) = ecr.batch_get_image(repositoryName=unique, imageIds=[image])["images"]
        assert got["imageManifest"] == MANIFEST
    with pytest.raises(ClientError, match="ImageNotFoundException"):
        ecr.describe_images(repositoryName=unique, imageIds=[{"imageTag": "v2"}])


def test_a_tag_that_moves_leaves_the_digest_where_it_was(client: Clients, unique: str) -> None:
    ecr = client("ecr")
    ecr.create_repository(repositoryName=unique)
    ecr.put_image(repositoryName=unique, imageManifest=MANIFEST, imageTag="latest")
    ecr.put_image(repositoryName=unique, imageManifest=MANIFEST + " ", imageTag="latest")
    latest = [{"imageTag": "latest"}]
    (moved,) = ecr.describe_images(repositoryName=unique, imageIds=latest)["imageDetails"]
    assert moved["imageDigest"] != DIGEST
    by_digest = [{"imageDigest": DIGEST}]
    assert ecr.describe_images(repositoryName=unique, imageIds=by_digest)["imageDetails"]


def test_reading_images_takes_permission_on_the_repository(client: Clients, unique: str) -> None:
    repository = client("ecr").create_repository(repositoryName=unique)["repository"]
    client("ecr").put_image(repositoryName=unique, imageManifest=MANIFEST, imageTag="v1")
    client("ecr").create_repository(repositoryName=f"{unique}-other")
    allowed = {
        "Effect": "Allow",
        "Action": "ecr:DescribeImages",
        "Resource": repository["repositoryArn"],
    }
    ecr = client.as_role("ecr", create_role(client, f"{unique}-role", [allowed]))
    assert ecr.describe_images(repositoryName=unique)["imageDetails"]
    with pytest.raises(ClientError, match="AccessDenied"):
        ecr.describe_images(repositoryName=f"{unique}-other")
    with pytest.raises(ClientError, match="AccessDenied"):
        ecr.batch_get_image(repositoryName=unique, imageIds=[{"imageTag": "v1"}])
