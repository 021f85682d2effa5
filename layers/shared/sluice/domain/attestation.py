"""What is said of a release under a signature: an in-toto statement about its manifest.

https://github.com/in-toto/attestation, spec v1. Subjects are the objects that the vault keeps of
the release, the manifest among them, whose digest is the release digest; the predicate is the
manifest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sluice.domain.envelope import Envelope, Signature, pae
from sluice.domain.manifest import MANIFEST, spelled_json
from sluice.domain.strict_json import MalformedJsonError, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sluice.domain.manifest import CapturedObject

ENVELOPE = "manifest.dsse.json"
"""Beside the manifest in the vault."""
ENVELOPE_LIMIT = 4 * 1024 * 1024
"""Of a manifest that fits into an item of the ledger (400 KB), several times over."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:sluice:manifest:v1"
"""Changes as soon as a statement is put together otherwise from the same manifest."""

MISSING = "SIGNATURE_MISSING"
UNREADABLE = "SIGNATURE_UNREADABLE"
UNTRUSTED = "SIGNATURE_UNTRUSTED"
INVALID = "SIGNATURE_INVALID"
OTHERWISE = "SIGNED_OTHERWISE"


def statement(text: str, *, digest: str, objects: Iterable[CapturedObject]) -> bytes:
    """The statement about the manifest that `text` spells and whose digest is `digest`."""
    return spelled_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": subjects(digest, objects),
            "predicateType": PREDICATE_TYPE,
            "predicate": json.loads(text),
        }
    ).encode("utf-8")


def subjects(digest: str, objects: Iterable[CapturedObject]) -> list[dict[str, Any]]:
    """What the statement is about: the manifest, and the objects in the order it names them."""
    kept = [{"name": one.name, "digest": digests(one)} for one in objects]
    return [{"name": MANIFEST, "digest": {"sha256": digest}}, *kept]


def digests(captured: CapturedObject) -> dict[str, str]:
    """The digests of an object: SHA-256 where its content was read, else what S3 knows it by.

    S3's are under S3's names and in its spelling, which is Base64; a checksum of parts ends with
    their number (`…-12`). An ETag is there always, and no digest of anything in general.
    """
    if captured.sha256:
        return {"sha256": captured.sha256}
    return captured.checksums or {"s3:etag": captured.etag}


def signed_by(keyid: str, sig: bytes, *, payload: bytes) -> Envelope:
    """The envelope of a statement that one key has signed."""
    return Envelope(PAYLOAD_TYPE, payload, (Signature(keyid, sig),))


def to_sign(payload: bytes) -> bytes:
    """What a key signs of a statement."""
    return pae(PAYLOAD_TYPE, payload)


def trusted(envelope: Envelope, keys: Collection[str]) -> tuple[Signature, ...]:
    """The signatures by keys that are trusted, one of each; the others count for nothing."""
    return tuple({one.keyid: one for one in envelope.signatures if one.keyid in keys}.values())


def untrusted(envelope: Envelope) -> str:
    """What is said of an envelope that no trusted key has signed."""
    by = ", ".join(one.keyid or "a key without a name" for one in envelope.signatures)
    return f"{UNTRUSTED}: signed by {by or 'nobody'}, which is none of the trusted keys"


def statement_complaint(
    envelope: Envelope, text: str, *, digest: str, objects: Iterable[CapturedObject]
) -> str:
    """What else the envelope signs than the manifest that `text` spells, or nothing.

    Its signature is not looked at.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        return f"{OTHERWISE}: its payload is {envelope.payload_type}, not {PAYLOAD_TYPE}"
    try:
        said = parse(envelope.payload)
    except MalformedJsonError as error:
        return f"{OTHERWISE}: its statement cannot be read: {error}"
    wanted = json.loads(statement(text, digest=digest, objects=objects))
    other = _differing(said, wanted)
    both = other == ["predicate"] and "predicate" in said
    inside = _differing(said["predicate"], wanted["predicate"]) if both else []
    names = [f"predicate.{one}" for one in inside] or other
    return f"{OTHERWISE}: {', '.join(names)} of its statement differ from the manifest" * bool(
        names
    )


def _differing(found: Any, wanted: dict[str, Any]) -> list[str]:
    """The names under which the two differ; `1`, `1.0` and `True` do, though not to Python."""
    if not isinstance(found, dict):
        return ["all"]
    names = sorted(found.keys() | wanted.keys())
    return [
        one
        for one in names
        if one not in found
        or one not in wanted
        or spelled_json(found[one]) != spelled_json(wanted[one])
    ]
