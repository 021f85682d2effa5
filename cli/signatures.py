"""Signatures of envelopes, verified by a library that is not ours and not in the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._key import Key, SSlibKey
from securesystemslib.signer._signature import Signature

from cli.errors import UnusableError

if TYPE_CHECKING:
    from sluice.domain import envelope as ours


def verified(envelope: ours.Envelope, key: bytes) -> bool:
    """Whether the public key, in PEM, verifies a signature of the envelope.

    A signature's `keyid` is no more than a hint, may be absent and may stand there twice: numbers
    take its place, and it is the given key that must have made it. Raises UnusableError for what is
    no such key.
    """
    numbered = {str(n): one.sig.hex() for n, one in enumerate(envelope.signatures)}
    signatures = {n: Signature(n, sig) for n, sig in numbered.items()}
    foreign = Envelope(envelope.payload, envelope.payload_type, signatures)
    try:
        public = load_pem_public_key(key)
        keys: list[Key] = [SSlibKey.from_crypto(public, keyid=n) for n in numbered]
    except (ValueError, UnsupportedAlgorithm) as error:
        message = f"that key is no public key in PEM for signatures: {error}"
        raise UnusableError(message) from error
    try:
        return bool(keys) and bool(foreign.verify(keys, 1))
    except VerificationError:
        return False
