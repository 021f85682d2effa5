"""Signatures of envelopes, verified by a library that is not ours and not in the layer."""

from __future__ import annotations

import json

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._key import Key, SSlibKey

from cli.errors import UnusableError


def verified(data: bytes, key: bytes) -> bool:
    """Whether the public key, in PEM, verifies a signature of the envelope.

    A signature's `keyid` is no more than a hint: it is the given key that must have made it. Raises
    UnusableError for what is no such key.
    """
    envelope = Envelope.from_dict(json.loads(data))
    try:
        public = load_pem_public_key(key)
        keys: list[Key] = [SSlibKey.from_crypto(public, keyid=one) for one in envelope.signatures]
    except (ValueError, UnsupportedAlgorithm) as error:
        message = f"that key is no public key in PEM for signatures: {error}"
        raise UnusableError(message) from error
    try:
        return bool(keys) and bool(envelope.verify(keys, 1))
    except VerificationError:
        return False
