"""What a release was captured as, read again before it is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.domain.manifest import loaded_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.vault import Vault
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.vault import VaultCopy


@dataclass(frozen=True, slots=True)
class Capture[M: AnyManifest]:
    """What a release was captured as; `M` is the kind of its manifest."""

    manifest: M
    copies: tuple[VaultCopy, ...]
    prefix: str = ""
    """Of an uncompressed model: what SageMaker loads everything from."""


@dataclass(frozen=True, slots=True)
class Captures[M: AnyManifest]:
    """What the releases of a rollout were captured as."""

    release: Capture[M]
    stable: Capture[M] | None


@dataclass(frozen=True, slots=True)
class Recalling:
    """The ledger's manifests and the vault's bytes."""

    releases: Releases
    vault: Vault

    def captures[M: AnyManifest](self, rollout: Rollout, parse: Callable[..., M]) -> Captures[M]:
        """The captures of the rollout's releases. Raises ManifestError unless the digests fit."""
        stable = self._capture(rollout.stable, parse) if rollout.stable else None
        return Captures(self._capture(rollout.release, parse), stable)

    def complaint(self, capture: Capture[Any]) -> str:
        """What the vault does not hold any more as it was captured, or nothing."""
        bucket = capture.manifest.bucket
        changed = [copy.key for copy in capture.copies if not self.vault.holds(bucket, copy)]
        if changed:
            return f"{', '.join(changed)} changed in the vault"
        return self._beside(capture) if capture.prefix else ""

    def _beside(self, capture: Capture[Any]) -> str:
        """What would be loaded with the model, and was never captured; or nothing."""
        kept = {copy.key for copy in capture.copies}
        added = sorted(self.vault.listed(capture.manifest.bucket, capture.prefix) - kept)
        return f"{', '.join(added)} lies beside the model in the vault" if added else ""

    def _capture[M: AnyManifest](self, release: Deployed, parse: Callable[..., M]) -> Capture[M]:
        captured = self.releases.captured(release.release)
        manifest = parse(captured.manifest, digest=release.digest)
        return Capture(manifest, captured.copies, loaded_prefix(manifest, release.digest))
