"""DSSE's own test vector, and bytes that are no envelope."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope

from sluice.domain.envelope import Envelope, EnvelopeError, Signature, pae, parse_envelope


def an_envelope(**changes: Any) -> bytes:
    signature = {"keyid": "k", "sig": base64.b64encode(b"s").decode()}
    payload = base64.b64encode(b"{}").decode()
    envelope = {"payload": payload, "payloadType": "t", "signatures": [signature], **changes}
    return json.dumps({key: one for key, one in envelope.items() if one is not ...}).encode()


def test_what_is_signed_is_the_specification_s_own_example() -> None:
    # protocol.md, "Test Vectors".
    encoded = pae("http://example.com/HelloWorld", b"hello world")

    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize(
    ("kind", "payload", "encoded"),
    [
        ("", b"", b"DSSEv1 0  0 "),
        ("\u00e9", b"x", b"DSSEv1 2 \xc3\xa9 1 x"),  # lengths are of bytes
        ("a 1", b"b", b"DSSEv1 3 a 1 1 b"),
        ("a", b"1 b", b"DSSEv1 1 a 3 1 b"),
    ],
)
def test_no_type_and_payload_are_encoded_as_two_others(
    kind: str, payload: bytes, encoded: bytes
) -> None:
    assert pae(kind, payload) == encoded


@given(st.text(), st.binary(), st.lists(st.tuples(st.text(), st.binary()), max_size=3))
def test_an_envelope_is_read_as_it_was_spelled(
    kind: str, payload: bytes, signatures: list[tuple[str, bytes]]
) -> None:
    envelope = Envelope(kind, payload, tuple(Signature(*one) for one in signatures))

    assert parse_envelope(envelope.spelled()) == envelope


@given(st.text(), st.binary(), st.dictionaries(st.text(), st.binary(), min_size=1, max_size=3))
def test_another_library_reads_the_same_in_it(
    kind: str, payload: bytes, signatures: dict[str, bytes]
) -> None:
    envelope = Envelope(kind, payload, tuple(Signature(*one) for one in signatures.items()))
    other = OtherEnvelope.from_dict(json.loads(envelope.spelled()))

    assert (other.payload_type, other.payload) == (kind, payload)
    assert other.pae() == envelope.signed
    assert {one.keyid: bytes.fromhex(one.signature) for one in other.signatures.values()} == (
        signatures
    )


def test_url_safe_base64_and_fields_nobody_knows_are_taken() -> None:
    payload = b"\xfb\xff\xfe"
    safe = base64.urlsafe_b64encode(payload).decode()
    assert "-" in safe or "_" in safe

    assert parse_envelope(an_envelope(payload=safe, more=1)).payload == payload


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(an_envelope(payload=...), id="no payload"),
        pytest.param(an_envelope(payload="no Base64!"), id="a payload that is no Base64"),
        pytest.param(an_envelope(payload="e30"), id="a payload that is half Base64"),
        pytest.param(an_envelope(payload=1), id="a payload that is a number"),
        pytest.param(an_envelope(payloadType=...), id="no type"),
        pytest.param(an_envelope(payloadType=1), id="a type that is a number"),
        pytest.param(an_envelope(signatures=...), id="no signatures"),
        pytest.param(an_envelope(signatures="s"), id="signatures that are a text"),
        pytest.param(an_envelope(signatures=[1]), id="a signature that is a number"),
        pytest.param(an_envelope(signatures=[{}]), id="a signature without one"),
        pytest.param(an_envelope(signatures=[{"sig": "\u00e9"}]), id="a signature in no Base64"),
        pytest.param(b'{"payload":"","payload":""}', id="a name that stands twice"),
        pytest.param(b"\xff", id="no UTF-8"),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        parse_envelope(data)
