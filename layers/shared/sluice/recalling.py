"""What a release was captured as, read again before it is deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.attesting import Attested
from sluice.domain.differing import difference, ledger_objection, target_objection
from sluice.domain.manifest import ManifestError, digest_of, loaded_prefix, placed
from sluice.domain.rollout import Kind
from sluice.domain.verifying import Kept, Unread, findings, vault_checks
from sluice.observability import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.records import Captured
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.texts import Texts
    from sluice.adapters.vault import Vault
    from sluice.attesting import Attesting
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.vault import VaultCopy


@dataclass(frozen=True, slots=True)
class Capture[M: AnyManifest]:
    """What a release was captured as; `M` is the kind of its manifest."""

    release: ReleaseName
    """Whose it is said to be; that the manifest says so, too, is part of what is signed."""
    digest: str
    text: str
    """The manifest as it was read."""
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
    texts: Texts
    attesting: Attesting

    def captures[M: AnyManifest](self, rollout: Rollout, parse: Callable[..., M]) -> Captures[M]:
        """The captures of the rollout's releases.

        Raises ManifestError, with a reason for people, where STATE, record and manifests disagree.
        """
        for one in filter(None, (rollout.release, rollout.stable)):
            locked = self.locked(one)
            if locked:
                raise ManifestError(f"KEY_UNUSABLE: {locked}")
        strict = rollout.kind is not Kind.ROLL_BACK
        stable = self._capture(rollout.stable, parse, strict=strict) if rollout.stable else None
        release = self._capture(rollout.release, parse, strict=strict)
        for manifest in (one.manifest for one in (release, stable) if one):
            strange = target_objection(manifest, rollout.target)
            if strange:
                raise ManifestError(strange)
        return Captures(release, stable)

    def recall[M: AnyManifest](self, release: Deployed, parse: Callable[..., M]) -> Capture[M]:
        """What one release was captured as. Raises ManifestError as `captures` does."""
        return self._capture(release, parse, strict=True)

    def locked(self, release: Deployed) -> str:
        """Why nothing of the release can be read, its encryption key being as it is; or nothing."""
        bucket, key = placed(release.manifest_uri)
        said = self.vault.key_complaint(bucket, key)
        return f"{release.release} cannot be decrypted: {said}" if said else ""

    def complaint(self, capture: Capture[Any]) -> str:
        """What the vault does not hold any more as it was captured, or nothing."""
        bucket, copies = capture.manifest.bucket, capture.copies
        kept = self.vault.standings(bucket, [one.key for one in copies])
        standing = {one.name: kept[one.key] for one in copies}
        found = findings(vault_checks(capture.manifest, copies, standing))
        if found:
            logger.warning("changed in the vault", findings=[one.model_dump() for one in found])
            return difference(found)
        return self._beside(capture) if capture.prefix else ""

    def unsigned(self, capture: Capture[Any]) -> str:
        """Why no trusted key has signed the capture, by name of the reason; or nothing."""
        return self.attesting.complaint(
            Attested(capture.release, capture.digest, capture.text, capture.manifest)
        )

    def lost(self, capture: Capture[Any]) -> str:
        """Why the release cannot be made again from its capture, or nothing."""
        return self.unsigned(capture) or self.complaint(capture)

    def _beside(self, capture: Capture[Any]) -> str:
        """What would be loaded with the model, and was never captured; or nothing."""
        kept = {copy.key for copy in capture.copies}
        added = sorted(self.vault.listed(capture.manifest.bucket, capture.prefix) - kept)
        return f"{', '.join(added)} lies beside the model in the vault" if added else ""

    def _capture[M: AnyManifest](
        self, release: Deployed, parse: Callable[..., M], *, strict: bool
    ) -> Capture[M]:
        (found, unread), vaulted = self._captured(release), self._vaulted(release)
        texts = [one for one in (found.manifest if found else None, vaulted) if one]
        kept = Kept(
            record=self._record(release),
            manifest=digest_of(found.manifest) if found else unread,
            vaulted=digest_of(vaulted) if vaulted else None,
        )
        digest = kept.digest(release)
        whole = next((one for one in texts if digest_of(one) == digest), None)
        manifest = parse(whole, digest=digest) if whole else None
        reason = ledger_objection(release, kept, manifest, strict=strict)
        if reason or manifest is None or whole is None:
            raise ManifestError(reason)
        return Capture(
            release=release.release,
            digest=digest,
            text=whole,
            manifest=manifest,
            copies=found.copies if found else (),
            prefix=loaded_prefix(manifest, digest),
        )

    def _record(self, release: Deployed) -> Release | Unread | None:
        try:
            return self.releases.get(release.release)
        except RecordUnreadableError as error:
            return Unread(str(error), edited=True)

    def _captured(self, release: Deployed) -> tuple[Captured | None, Unread | None]:
        """What the ledger says it was captured as, or what is wrong with that; or neither."""
        try:
            return self.releases.captured(release.release), None
        except KeyError:
            return None, None
        except RecordUnreadableError as error:
            return None, Unread(str(error), edited=True)

    def _vaulted(self, release: Deployed) -> str | None:
        """The manifest that the vault holds where STATE says it is."""
        bucket, key = placed(release.manifest_uri)
        return self.texts.find(bucket, key)
