"""The manifest: everything that shapes a version's behaviour, in one spelling with one digest.

The digest is of the bytes. Whoever reads a manifest hashes what was read and never what it would
write itself, so a newer Sluice verifies an older one's manifests without spelling them the same.
"""

from __future__ import annotations

import hashlib
import json

from pydantic import Field

from sluice.domain.pushed import ModelConfig
from sluice.domain.release import ReleaseName
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
    """Where the content was read at registration; weights are not."""


class Manifest(Value):
    """What a version is."""

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
    """The user metadata of `model.tar.gz`, as pushed."""
    objects: tuple[CapturedObject, ...]

    def canonical(self) -> str:
        """The one spelling of this manifest: sorted names, no spaces, every default written out."""
        return json.dumps(
            self.model_dump(mode="json"),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )


def digest_of(text: str) -> str:
    """The release digest of a canonical manifest: SHA-256, 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def parse_manifest(text: str, *, digest: str) -> Manifest:
    """The manifest that `text` spells. Raises ManifestError unless its digest is `digest`."""
    if digest_of(text) != digest:
        message = f"the manifest's digest is not {digest}"
        raise ManifestError(message)
    # Fields that a newer version added must not keep this one from reading what it knows.
    return Manifest.model_validate_json(text, extra="ignore")


def vault_key(release: ReleaseName, digest: str, name: str) -> str:
    """Where the vault keeps an object of the release."""
    return f"{VAULT}{release.group}/v{release.version}-{digest[:_SHORT_DIGEST]}/{name}"


def manifest_uri(bucket: str, release: ReleaseName, digest: str) -> str:
    """Where the vault keeps the release's manifest."""
    return f"s3://{bucket}/{vault_key(release, digest, MANIFEST)}"
