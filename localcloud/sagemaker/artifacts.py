"""What an instance fetches before its container starts: image and model data, as the model's role.

Everything is asked of the gateway with a session of the execution role, so that a role which may
not read the artifact, decrypt it or pull the image fails the endpoint here just as it does on AWS.
"""

import hashlib
import re
import tarfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.constants import ACCOUNT
from localcloud.identity import client_as, role_session
from localcloud.sagemaker.weights import source_of

_MOST_BYTES = 2 * 1024**3
_MOST_MEMBERS = 10_000
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


_CONFIG = Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"})
_lock = threading.Lock()
_clients: dict[tuple[str, str], Any] = {}


class ArtifactError(Exception):
    """The image or the model data cannot be had; the message is the endpoint's FailureReason."""


def client(service: Any, role_arn: str) -> Any:
    """A boto3 client that acts as the role: one for each pair, because each holds connections."""
    keys = role_session(role_arn, "SageMaker")
    with _lock:
        if (service, role_arn) not in _clients:
            _clients[service, role_arn] = client_as(keys, service, _CONFIG)
        return _clients[service, role_arn]


def resolve_image(image: str, role_arn: str) -> str:
    """The image by digest, as DescribeEndpoint tells it; raise ArtifactError if that fails.

    Images of other accounts (AWS's own framework containers) are taken on trust: only the
    permission to log in to ECR is asked for.
    """
    parts = _ECR_IMAGE.fullmatch(image)
    if parts is None:
        message = f"The image {image} is not an Amazon ECR image."
        raise ArtifactError(message)
    try:
        ecr = client("ecr", role_arn)
        ecr.get_authorization_token()
        digest = _own_digest(ecr, parts) if parts["account"] == ACCOUNT else _foreign_digest(parts)
    except ClientError as error:
        message = f"Failed to pull image {image}: {error.response['Error']['Message']}"
        raise ArtifactError(message) from error
    if digest is None:
        message = f"Requested image {image} not found."
        raise ArtifactError(message)
    name = image.partition("@")[0].removesuffix(f":{parts['tag']}")
    return f"{name}@{digest}"


def fetch_model(container: dict[str, Any], role_arn: str, folder: Path) -> None:
    """Put the model data into `folder`; raise ArtifactError if that is impossible."""
    url, prefix, compressed = _source(container)
    if url is None:
        return
    bucket, key = urlparse(url).netloc, urlparse(url).path.lstrip("/")
    try:
        s3 = client("s3", role_arn)
        if prefix:
            _download_prefix(s3, bucket, key, folder)
        else:
            _download(s3, bucket, key, folder, compressed=compressed)
    except ClientError as error:
        message = (
            f'Failed to download model data for container "container_1" from URL: "{url}". '
            "Please ensure that there is an object located at the URL and that the role passed to "
            "CreateModel has permissions to download the model. "
            f"({error.response['Error']['Code']})"
        )
        raise ArtifactError(message) from error


def _own_digest(ecr: Any, parts: re.Match[str]) -> str | None:
    wanted = {"imageDigest": parts["digest"]} if parts["digest"] else {}
    if not wanted:
        wanted = {"imageTag": parts["tag"] or "latest"}
    answer = ecr.batch_get_image(repositoryName=parts["repository"], imageIds=[wanted])
    return next((image["imageId"]["imageDigest"] for image in answer["images"]), None)


def _foreign_digest(parts: re.Match[str]) -> str:
    return parts["digest"] or f"sha256:{hashlib.sha256(parts[0].encode()).hexdigest()}"


def _source(container: dict[str, Any]) -> tuple[str | None, bool, bool]:
    """Where the model data is, whether that is a prefix, and whether it is a tar ball."""
    if "ModelDataUrl" in container:
        return container["ModelDataUrl"], False, True
    source = source_of(container)
    if source is None:
        return None, False, False
    return source["S3Uri"], source["S3DataType"] == "S3Prefix", source["CompressionType"] == "Gzip"


def _download_prefix(s3: Any, bucket: str, prefix: str, folder: Path) -> None:
    """Every object that is there now; a key is the file's path below the prefix.

    Model: sagemaker.S3ModelDataSource, CompressionType
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    if not keys:
        message = f"There is no object under the prefix s3://{bucket}/{prefix}."
        raise ArtifactError(message)
    for key in keys:
        target = (folder / key.removeprefix(prefix)).resolve()
        if not target.is_relative_to(folder.resolve()) or target == folder.resolve():
            message = f"The key {key} is no path inside the model folder."
            raise ArtifactError(message)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, key, str(target))
        except OSError as error:
            message = f"The key {key} cannot be a file of the model folder: {error.strerror}"
            raise ArtifactError(message) from error


def _download(s3: Any, bucket: str, key: str, folder: Path, *, compressed: bool) -> None:
    archive = folder.parent / "download"
    with archive.open("wb") as file:
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1024 * 1024):
            file.write(chunk)
    if compressed:
        _unpack(archive, folder)
        archive.unlink()
    else:
        archive.rename(folder / Path(key).name)


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a gzipped tar that may come from anywhere: bounded, and nothing outside `folder`."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            size = 0
            for count, member in enumerate(tar, start=1):
                size += member.size
                if size > _MOST_BYTES or count > _MOST_MEMBERS:
                    message = "The model data is too large to unpack."
                    raise ArtifactError(message)
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        message = f"Unable to extract the model data: {error}"
        raise ArtifactError(message) from error
