"""The stack's signing key on moto, and a second one that nobody trusts.

moto takes a digest for a message and hashes it again, and says of a bad signature that it is not
valid where KMS refuses: both are as in KMS here (API reference, Sign and Verify).
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.core.exceptions import JsonRESTError
from moto.kms import kms_backends
from moto.kms.models import Key, KmsBackend
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from sluice.domain.attestation import signed_by, to_sign
from sluice.domain.envelope import parse_envelope
from tests.builders import ACCOUNT, BUCKET, REGION

if TYPE_CHECKING:
    import pytest

    from sluice.domain.release import Release

_PREFIX = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
SIGNING_KEY = f"{_PREFIX}5169e000-0000-4000-8000-000000000001"
FORMER_KEY = f"{_PREFIX}5169e000-0000-4000-8000-000000000002"
"""On the list of keys that are trusted."""
STRANGE_KEY = f"{_PREFIX}5169e000-0000-4000-8000-000000000003"
"""Of the same account, on no list."""
_LONGEST_SIGNATURE = 6144
_DIGESTED = ec.ECDSA(utils.Prehashed(SHA256()))


def assert_signed(vault: dict[str, bytes]) -> None:
    """Each manifest in the vault has an envelope beside it that the stack's key has signed."""
    manifests = [one for one in vault if one.endswith("/manifest.json")]
    assert manifests
    for one in manifests:
        envelope = Envelope.from_dict(
            json.loads(vault[f"{one.removesuffix('manifest.json')}manifest.dsse.json"])
        )
        verified = envelope.verify([public_key(SIGNING_KEY)], 1)
        assert set(verified) == {SIGNING_KEY}
        assert json.loads(envelope.payload)["predicate"] == json.loads(vault[one])


def public_key(arn: str) -> SSlibKey:
    """The public key, as a library that is not ours has it."""
    public = _key(arn).private_key.private_key.public_key()
    return SSlibKey.from_crypto(public, keyid=arn)


def pem(arn: str) -> bytes:
    """The public key as openssl reads it."""
    public = _key(arn).private_key.private_key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signature(arn: str, payload: bytes) -> bytes:
    """A signature over a statement, by one of these keys."""
    private: ec.EllipticCurvePrivateKey = _key(arn).private_key.private_key
    return private.sign(to_sign(payload), ec.ECDSA(SHA256()))


def signature_of(arn: str, payload: bytes) -> bytes:
    """An envelope that one of these keys has signed."""
    return signed_by(arn, signature(arn, payload), payload=payload).spelled()


def as_kms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto sign and verify digests as KMS does."""
    monkeypatch.setattr(KmsBackend, "sign", _sign)
    monkeypatch.setattr(KmsBackend, "verify", _verify)


def put_keys() -> None:
    """Put the keys into a moto that was emptied; they are the same in every test."""
    for arn in (SIGNING_KEY, FORMER_KEY, STRANGE_KEY):
        key = _key(arn)
        key.key_state, key.enabled = "Enabled", True
        kms_backends[ACCOUNT][REGION].keys[key.id] = key


class Envelopes:
    """Envelopes in the vault, as somebody sees them who may write there and holds no key."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def of(self, release: Release) -> bytes:
        found: bytes = self._s3.get_object(Bucket=BUCKET, Key=_place(release))["Body"].read()
        return found

    def put(self, release: Release, envelope: bytes) -> None:
        self._s3.put_object(Bucket=BUCKET, Key=_place(release), Body=envelope)

    def delete(self, release: Release) -> None:
        self._s3.delete_object(Bucket=BUCKET, Key=_place(release))

    def sign(self, release: Release, key_arn: str, *, payload: bytes = b"") -> None:
        """Put an envelope there that another key has signed, or that is about another payload."""
        payload = payload or parse_envelope(self.of(release)).payload
        self.put(
            release, signed_by(key_arn, signature(key_arn, payload), payload=payload).spelled()
        )


def _place(release: Release) -> str:
    folder = release.manifest_uri.removeprefix(f"s3://{BUCKET}/").rpartition("/")[0]
    return f"{folder}/manifest.dsse.json"


@cache
def _key(arn: str) -> Key:
    key = Key(None, "SIGN_VERIFY", "ECC_NIST_P256", "", ACCOUNT, REGION)
    key.arn, key.id = arn, arn.removeprefix(_PREFIX)
    return key


def _sign(self: Any, key_id: str, message: bytes, signing_algorithm: str) -> Any:
    key = _usable(self, key_id)
    return key.arn, key.private_key.private_key.sign(message, _DIGESTED), signing_algorithm


def _verify(
    self: Any, key_id: str, message: bytes, signature: bytes, signing_algorithm: str
) -> Any:
    key = _usable(self, key_id)
    if not 0 < len(signature) <= _LONGEST_SIGNATURE:
        raise JsonRESTError("ValidationException", "Member must have length between 1 and 6144")
    try:
        key.private_key.private_key.public_key().verify(signature, message, _DIGESTED)
    except InvalidSignature as error:
        raise JsonRESTError("KMSInvalidSignatureException", "it is not") from error
    return key.arn, True, signing_algorithm


def _usable(backend: Any, key_id: str) -> Any:
    key = backend.describe_key(key_id)
    if key.key_state == "PendingDeletion":
        raise JsonRESTError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if not key.enabled:
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    return key
