"""What a bucket holds of a release: in the vault, or in a copy of the vault's folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sluice.adapters.artifacts import Artifacts
from sluice.adapters.vault import Vault
from sluice.domain.inbox import MODEL_FOLDER
from sluice.domain.intact import Held, Proof, beside_check, intact_checks, proof, unproved
from sluice.domain.manifest import loaded_prefix
from sluice.examining import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.manifest import CapturedObject
    from sluice.domain.verifying import Check, Unread

_MOST_VERSIONS = 100


@dataclass(frozen=True, slots=True)
class Holdings:
    """The objects in one folder of a bucket."""

    s3: Any
    bucket: str
    folder: str
    """`releases/churn/v4-0123456789ab/`"""

    def checks(self, manifest: AnyManifest, digest: str) -> tuple[list[Check], list[str]]:
        """Each object beside the manifest; what nothing could prove."""
        held = dict(self._held(manifest))
        checks = list(intact_checks(manifest, held, place=f"s3://{self.bucket}/{self.folder}"))
        if loaded_prefix(manifest, digest):
            checks.append(beside_check(manifest, attempt(self._model_files)))
        caveats = [
            f"nothing but its size, and that it was written once, proves the bytes of {name}"
            for name in unproved(manifest, held)
        ]
        return checks, caveats

    def _held(self, manifest: AnyManifest) -> Iterator[tuple[str, Held | Unread | None]]:
        for source in manifest.objects:
            yield source.name, attempt(partial(self._holding, source))

    def _holding(self, source: CapturedObject) -> Held | None:
        key = self.folder + source.name
        standing = Vault(self.s3).standing(self.bucket, key)
        if standing is None or standing.size != source.size:
            return Held(standing) if standing else None
        match proof(source, standing):
            case Proof.CONTENT:
                version = standing.version_id or "null"
                return Held(standing, Artifacts(self.s3).sha256(self.bucket, key, version))
            case Proof.NONE:
                return Held(standing, versions=self._times_written(key))
            case Proof.CHECKSUM:
                return Held(standing)

    def _times_written(self, key: str) -> int:
        found: Any = self.s3.list_object_versions(
            Bucket=self.bucket, Prefix=key, MaxKeys=_MOST_VERSIONS
        )
        listed = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return sum(one["Key"] == key for one in listed)

    def _model_files(self) -> set[str]:
        """What lies where a model's files do, by name."""
        listed = Vault(self.s3).listed(self.bucket, self.folder + MODEL_FOLDER)
        return {key.removeprefix(self.folder) for key in listed}
