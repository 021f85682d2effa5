"""Sign what a release was captured as, and see later whether it is what was signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.vault import VaultConflictError
from sluice.domain.attestation import (
    ENVELOPE,
    ENVELOPE_LIMIT,
    INVALID,
    MISSING,
    UNREADABLE,
    signed_by,
    statement,
    statement_complaint,
    to_sign,
    trusted,
    untrusted,
)
from sluice.domain.envelope import EnvelopeError, parse_envelope
from sluice.domain.manifest import vault_key

if TYPE_CHECKING:
    from sluice.adapters.signing_keys import SigningKeys
    from sluice.adapters.vault import Vault
    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.envelope import Envelope
    from sluice.domain.release import ReleaseName


@dataclass(frozen=True, slots=True)
class Attested:
    """What an attestation is about: a release, by the name it is known under, and its manifest."""

    release: ReleaseName
    digest: str
    text: str
    manifest: AnyManifest

    @property
    def key(self) -> str:
        """Where the vault has the envelope."""
        return vault_key(self.release, self.digest, ENVELOPE)


@dataclass(frozen=True, slots=True)
class Attesting:
    """Envelopes in the vault and the keys that signed them."""

    vault: Vault
    signing_keys: SigningKeys
    trusted: tuple[str, ...]
    """ARNs of the keys whose signatures count, the first of them the one to sign with."""

    def attest(self, attested: Attested, *, fresh: bool) -> None:
        """Let a signed envelope stand in the vault; whatever stands there first is kept.

        `fresh` expects nothing there, and saves the look. No two signatures are the same, so who
        comes second finds another envelope than his own: a good one is as good. Raises
        VaultConflictError for any other.
        """
        bucket, key = attested.manifest.bucket, attested.key
        standing = None if fresh else self._standing(attested)
        if standing is None:
            ours = self._signed(attested)
            standing = self.vault.keep(bucket, key, ours, limit=ENVELOPE_LIMIT)
            if standing == ours:
                return
        complaint = self._complaint(attested, standing)
        if complaint:
            raise VaultConflictError(f"{key} holds another envelope: {complaint}")

    def complaint(self, attested: Attested) -> str:
        """Why the release cannot be taken for what was signed, or nothing."""
        try:
            standing = self._standing(attested)
        except VaultConflictError as error:
            return f"{UNREADABLE}: {error}"
        if standing is None:
            return f"{MISSING}: the vault has no {attested.key}: push it again as a new version"
        return self._complaint(attested, standing)

    def _standing(self, attested: Attested) -> bytes | None:
        bucket = attested.manifest.bucket
        return self.vault.content(bucket, attested.key, limit=ENVELOPE_LIMIT)

    def _signed(self, attested: Attested) -> bytes:
        objects = attested.manifest.objects
        payload = statement(attested.text, digest=attested.digest, objects=objects)
        own = self.trusted[0]
        sig = self.signing_keys.sign(own, to_sign(payload))
        return signed_by(own, sig, payload=payload).spelled()

    def _complaint(self, attested: Attested, data: bytes) -> str:
        try:
            envelope = parse_envelope(data)
        except EnvelopeError as error:
            return f"{UNREADABLE}: {error}"
        return self._unsigned(envelope) or statement_complaint(
            envelope,
            attested.text,
            digest=attested.digest,
            objects=attested.manifest.objects,
        )

    def _unsigned(self, envelope: Envelope) -> str:
        signatures = trusted(envelope, self.trusted)
        if not signatures:
            return untrusted(envelope)
        for one in signatures:
            if self.signing_keys.signed(one.keyid, envelope.signed, one.sig):
                return ""
        by = ", ".join(one.keyid for one in signatures)
        return f"{INVALID}: what is said to be signed by {by} is not"
