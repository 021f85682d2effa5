"""Carry a claimed version folder through: bytes into the vault, a package into the registry.

Every step finds what an earlier attempt did and goes on from there, so it does not matter where
that one ended, or how many are at it. The ledger's commit comes last and is made once; whatever
people are told may be told twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sluice.adapters.artifacts import ArtifactGoneError
from sluice.adapters.ledger.intake import receipt_item
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.adapters.registry import RegistryRefusedError
from sluice.adapters.vault import VaultConflictError
from sluice.attesting import Attested
from sluice.domain.approval import below_policy
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.composing import numbered
from sluice.domain.gates import missed_by
from sluice.domain.inbox import identity
from sluice.domain.manifest import MANIFEST, digest_of, manifest_uri, vault_key
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import ended
from sluice.domain.release import Capture, Release

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.ledger.intake import Intake, Seen
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.own_stack import OwnStack
    from sluice.adapters.vault import Vault
    from sluice.attesting import Attesting
    from sluice.copying import Copying, Turn
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.gating import Gating
    from sluice.packaging import Packaging
    from sluice.partnering import Partnering
    from sluice.telling import Telling
    from sluice.tracing import Tracing

_AT_ONCE = 90
"""Receipts that end with the registration: a transaction has 100 operations at most."""


class CaptureRefusedError(Exception):
    """A claimed folder cannot be captured, and retrying would not help; its inputs have ended."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class Claimed(NamedTuple):
    """A claimed release and what it is."""

    release: Release
    manifest: AnyManifest
    text: str
    """The canonical manifest, as it was spelled when its digest was taken."""
    fresh: bool = False
    """Claimed by us, just now: nothing can have been done yet."""


@dataclass(frozen=True, slots=True)
class Capturing:
    """The way from a complete folder to a registered release."""

    vault: Vault
    copying: Copying
    packaging: Packaging
    releases: Releases
    intake: Intake
    telling: Telling
    partnering: Partnering
    own_stack: OwnStack
    tracing: Tracing
    attesting: Attesting
    gating: Gating

    def claim(self, manifest: AnyManifest, *, based_on: Seen, at: datetime) -> Claimed:
        """Fix what the folder is. Raises ConditionFailedError when that changed meanwhile.

        Raises GroupTakenError when the group holds versions of the other system, and
        PartnerRefusedError, and TemplateUnreadableError.
        """
        now = {"infrastructure": self.own_stack.infrastructure()}
        manifest = manifest.model_copy(update=now)
        if not manifest.release.version:
            newest = self.releases.newest(manifest.release.group)
            manifest = numbered(manifest, newest=newest)
        pair, beside = self.partnering.bind(manifest)
        manifest = self.gating.judge(manifest, based_on.noted, at=at)
        text = manifest.canonical()
        digest = digest_of(text)
        release = Release(
            name=manifest.release,
            system=manifest.system,
            capture=Capture.CLAIMED,
            digest=digest,
            manifest_uri=manifest_uri(manifest.bucket, manifest.release, digest),
            target=manifest.target,
            claimed_at=at,
            pair=pair,
            missed=missed_by(manifest.gates),
        )
        captured = {one.name for one in manifest.objects}
        mine = [noted for noted in based_on.noted if noted.place.name in captured]
        self.releases.claim(release, text, based_on=mine, notes=based_on.notes, beside=beside)
        return Claimed(release, manifest, text, fresh=True)

    def claimed_as(self, release: Release) -> Claimed:
        """What somebody claimed the release as, before."""
        text = self.releases.captured(release.name).manifest
        return Claimed(release, parse_any_manifest(text, digest=release.digest), text)

    def finish(self, claimed: Claimed, *, turn: Turn) -> None:
        """Bring the claimed release to be registered, if it is not.

        Raises CaptureRefusedError, and CopyUnfinishedError when it takes another turn.
        """
        if claimed.release.capture is not Capture.CLAIMED:
            self._end_rest(claimed.manifest, turn=turn)
            return
        try:
            self._carry_through(claimed, turn=turn)
        except (ArtifactGoneError, VaultConflictError, RegistryRefusedError) as error:
            refusal = Refusal(reason=_REASONS[type(error)], detail=str(error))
            self._give_up(claimed.manifest, refusal, at=turn.at)
            raise CaptureRefusedError(refusal) from error

    def _carry_through(self, claimed: Claimed, *, turn: Turn) -> None:
        release, manifest, at = claimed.release, claimed.manifest, turn.at
        copies = self.copying.keep_all(manifest, release.digest, turn=turn, fresh=claimed.fresh)
        manifest_key = vault_key(release.name, release.digest, MANIFEST)
        self.vault.write_once(manifest.bucket, manifest_key, claimed.text.encode("utf-8"))
        attested = Attested(release.name, release.digest, claimed.text, manifest)
        self.attesting.attest(attested, fresh=claimed.fresh)
        package = self.packaging.package(release, manifest, fresh=claimed.fresh)
        self._leave_out(manifest, at=at)
        self.tracing.keep(manifest)
        registered = release.model_copy(
            update={
                "capture": Capture.REGISTERED,
                "package_arn": package.arn,
                "package_version": package.version,
                "registered_at": at,
            }
        )
        registered = below_policy(registered, manifest.gates, created=package.created, at=at)
        self.telling.registered(registered, copies, caveats=manifest.caveats, gates=manifest.gates)
        try:
            receipts = _receipts(manifest, turn)[:_AT_ONCE]
            self.releases.register(registered, copies, receipts=list(map(receipt_item, receipts)))
        except ConditionFailedError:
            self.packaging.yield_to(self.releases.get(registered.name), ours=registered)
        self._end_rest(manifest, turn=turn)

    def _end_rest(self, manifest: AnyManifest, *, turn: Turn) -> None:
        """End the inputs that the registration's transaction had no room for.

        The input that is at it ends last: should this fail, its message comes again.
        """
        for receipt in _receipts(manifest, turn)[_AT_ONCE:]:
            self.intake.end_registered(receipt)

    def _leave_out(self, manifest: AnyManifest, *, at: datetime) -> None:
        """End the inputs of the folder that its config does not name.

        Read after the claim: who notes an object later sees the claim and ends it himself.
        """
        captured = {one.name for one in manifest.objects}
        for noted in self.intake.folder(manifest.folder):
            if noted.place.name not in captured:
                detail = f"the config of {manifest.release} does not name {noted.place.name}"
                refusal = Refusal(reason=Reason.NOT_NAMED, detail=detail)
                left_out = ended(noted.upload.identity, refusal, release=manifest.release, at=at)
                with suppress(ConditionFailedError):  # it was refused, or superseded, before
                    self.intake.end(left_out)

    def _give_up(self, manifest: AnyManifest, refusal: Refusal, *, at: datetime) -> None:
        self.telling.capture_refused(manifest.release, refusal)
        for one in manifest.objects:
            name = identity(manifest.bucket, one.source_key, one.version_id)
            receipt = ended(name, refusal, release=manifest.release, at=at)
            with suppress(ConditionFailedError):  # somebody else captured it after all
                self.intake.end_claimed(receipt, manifest.release)


_REASONS: dict[type[Exception], Reason] = {
    ArtifactGoneError: Reason.ARTIFACT_GONE,
    VaultConflictError: Reason.VAULT_CONFLICT,
    RegistryRefusedError: Reason.REGISTRY_REFUSED,
}


def _receipts(manifest: AnyManifest, turn: Turn) -> list[Receipt]:
    """The receipts of all inputs, in the order they are written: that of the turn's own last."""
    receipts = [
        Receipt(
            identity=identity(manifest.bucket, one.source_key, one.version_id),
            kind=Kind.REGISTERED,
            release=manifest.release,
            at=turn.at,
        )
        for one in manifest.objects
    ]
    return sorted(receipts, key=lambda one: one.identity == turn.of)
