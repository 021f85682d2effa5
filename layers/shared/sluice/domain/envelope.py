"""DSSE: a payload, and signatures over it that nobody can mistake for one over anything else.

https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NamedTuple

from sluice.domain.strict_json import MalformedJsonError, parse

_STANDARD = bytes.maketrans(b"-_", b"+/")


class EnvelopeError(Exception):
    """The bytes are no envelope; the message says why, for people."""


class Signature(NamedTuple):
    """What one key says of an envelope."""

    keyid: str
    """Which key it is said to be: a hint, to be looked up among those that are trusted."""
    sig: bytes


class Envelope(NamedTuple):
    """A payload of some type, signed."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed(self) -> bytes:
        """What the signatures are over."""
        return pae(self.payload_type, self.payload)

    def spelled(self) -> bytes:
        """The envelope as JSON."""
        signatures = [{"keyid": one.keyid, "sig": _text(one.sig)} for one in self.signatures]
        envelope = {
            "payload": _text(self.payload),
            "payloadType": self.payload_type,
            "signatures": signatures,
        }
        return json.dumps(envelope, separators=(",", ":")).encode("utf-8")


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: type and payload, each after its length in bytes."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse_envelope(data: bytes) -> Envelope:
    """The envelope that `data` spells; fields nobody knows are left out. Raises EnvelopeError."""
    try:
        found = parse(data)
        signatures = tuple(
            Signature(str(one.get("keyid", "")), _bytes(one["sig"])) for one in found["signatures"]
        )
        return Envelope(_type(found), _bytes(found["payload"]), signatures)
    except MalformedJsonError as error:
        raise EnvelopeError(str(error)) from error
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise EnvelopeError("payload, payloadType and signatures are not those of DSSE") from error
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError(f"payload or signature is not Base64: {error}") from error


def _type(found: dict[str, Any]) -> str:
    kind = found["payloadType"]
    if not isinstance(kind, str):
        raise TypeError
    return kind


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    """Standard or URL-safe: "Consumers MUST accept either" (envelope.md)."""
    return base64.b64decode(text.encode("utf-8").translate(_STANDARD), validate=True)
