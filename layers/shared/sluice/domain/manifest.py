"""The manifest: everything that shapes a version's behaviour, in one spelling with one digest.

The digest is of the bytes. Whoever reads a manifest hashes what was read and never what it would
write itself, so a newer Sluice verifies an older one's manifests without spelling them the same.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import Field

from sluice.domain.gates import Gates
from sluice.domain.inbox import MODEL, MODEL_FOLDER, folder_path
from sluice.domain.infrastructure import Infrastructure
from sluice.domain.pushed import ModelConfig
from sluice.domain.release import ReleaseName, System
from sluice.domain.values import SCHEMA_VERSION, Value

VAULT = "releases/"
MANIFEST = "manifest.json"
_SHORT_DIGEST = 12


class ManifestError(Exception):
    """The manifest read is not the one that was captured."""


class CapturedObject(Value):
    """One object of the version, pinned."""

    name: str
    source_key: str
    version_id: str
    size: int
    etag: str
    checksums: dict[str, str] = Field(default_factory=dict)
    checksum_type: str = ""
    sha256: str = ""
    """Of the content, where it was read at registration or S3 had it; not of what is too large."""
    request_id: str = ""
    """S3's id of the request that wrote it; empty where no event told. CloudTrail has the same."""


class Manifest(Value):
    """What a version of a model is."""

    schema_version: int = SCHEMA_VERSION
    release: ReleaseName
    bucket: str
    target: str
    """The endpoint that the version is to serve."""
    commit: str
    training_dataset_version: str
    image: str
    """By digest, whatever `config.image_uri` says."""
    config: ModelConfig
    evaluation: dict[str, float]
    metadata: dict[str, str]
    """The user metadata of `model.tar.gz`, or of the config that lists a model's files."""
    objects: tuple[CapturedObject, ...]
    infrastructure: Infrastructure | None = None
    """What captured it; None in manifests from before that was kept."""
    gates: Gates | None = None
    """How it stands to the evaluation policy; None in manifests from before there was one."""

    @property
    def system(self) -> System:
        """What it is a version of: a container that SageMaker runs."""
        return System.SAGEMAKER

    @property
    def folder(self) -> str:
        """The version folder it was pushed to."""
        return folder_path(self.release)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What whoever approves it should know: all of it is captured."""
        return ()

    def canonical(self) -> str:
        """The one spelling of this manifest: sorted names, no spaces, every default written out."""
        return spelled(self)


def spelled(manifest: Value) -> str:
    """A manifest in its one spelling."""
    return spelled_json(manifest.model_dump(mode="json"))


def spelled_json(value: Any) -> str:
    """A value in its one spelling: names sorted, no spaces; lists stay in their order."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(text: str) -> str:
    """The release digest of a canonical manifest: SHA-256, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def parse_manifest(text: str, *, digest: str) -> Manifest:
    """The model's manifest that `text` spells.

    Raises ManifestError unless its digest is `digest`, and for a manifest of anything else.
    """
    if system_of(text, digest=digest) is not System.SAGEMAKER:
        message = f"the manifest with the digest {digest} is no model's"
        raise ManifestError(message)
    # Fields that a newer version added must not keep this one from reading what it knows.
    return Manifest.model_validate_json(text, extra="ignore")


def system_of(text: str, *, digest: str) -> System:
    """What the manifest is of. Raises ManifestError unless its digest is `digest`."""
    if digest_of(text) != digest:
        message = f"the manifest's digest is not {digest}"
        raise ManifestError(message)
    return System(json.loads(text).get("system", System.SAGEMAKER))


def vault_key(release: ReleaseName, digest: str, name: str) -> str:
    """Where the vault keeps an object of the release."""
    return f"{VAULT}{release.group}/v{release.version}-{digest[:_SHORT_DIGEST]}/{name}"


def placed(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def manifest_uri(bucket: str, release: ReleaseName, digest: str) -> str:
    """Where the vault keeps the release's manifest."""
    return f"s3://{bucket}/{vault_key(release, digest, MANIFEST)}"


def loaded_prefix(manifest: Value, digest: str) -> str:
    """Under what the vault keeps the files of an uncompressed model; nothing of any other.

    Whatever lies there is loaded, so nothing else may.
    """
    if not isinstance(manifest, Manifest) or not manifest.config.model_files:
        return ""
    return vault_key(manifest.release, digest, MODEL_FOLDER)


def model_data(manifest: Manifest, digest: str) -> dict[str, Any]:
    """Where SageMaker finds the release's weights in the vault, in a container's members.

    Of a prefix it loads every object there is, and the prefix ends in `/` (S3ModelDataSource).
    """
    bucket, prefix = f"s3://{manifest.bucket}/", loaded_prefix(manifest, digest)
    if not prefix:
        return {"ModelDataUrl": bucket + vault_key(manifest.release, digest, MODEL)}
    source = {"S3Uri": bucket + prefix, "S3DataType": "S3Prefix", "CompressionType": "None"}
    return {"ModelDataSource": {"S3DataSource": source}}
