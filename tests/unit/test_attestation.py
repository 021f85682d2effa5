"""The statement about a manifest, and what is said of one that says anything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.attestation import (
    PAYLOAD_TYPE,
    digests,
    signed_by,
    statement,
    statement_complaint,
    subjects,
    trusted,
    untrusted,
)
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.envelope import Envelope, Signature
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import CapturedObject, digest_of, spelled_json
from sluice.domain.vault import FULL_OBJECT, sha256_of
from tests.builders import a_bedrock_manifest, a_manifest

if TYPE_CHECKING:
    from sluice.domain.bedrock_manifest import AnyManifest

MANIFESTS = {"a model": a_manifest(), "an application": a_bedrock_manifest()}
KEY, FORMER, STRANGE = "arn:key/own", "arn:key/former", "arn:key/strange"


def an_object(**changes: Any) -> CapturedObject:
    known = {"name": MODEL, "source_key": "k", "version_id": "v", "size": 1, "etag": "e7a6"}
    return CapturedObject.model_validate({**known, **changes})


def said_of(manifest: AnyManifest) -> Any:
    text = manifest.canonical()
    payload = statement(text, digest=digest_of(text), objects=manifest.objects)
    return json.loads(payload)


def complaint(said: Any, manifest: AnyManifest, *, kind: str = PAYLOAD_TYPE) -> str:
    text = manifest.canonical()
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    envelope = Envelope(kind, payload, ())
    objects = manifest.objects
    return statement_complaint(envelope, text, digest=digest_of(text), objects=objects)


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_statement_is_in_toto_s_and_says_the_manifest(manifest: AnyManifest) -> None:
    said = said_of(manifest)

    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "urn:sluice:manifest:v1"
    assert said["predicate"] == json.loads(manifest.canonical())
    assert complaint(said, manifest) == ""


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_the_predicate_spelled_again_has_the_release_digest(manifest: AnyManifest) -> None:
    said, text = said_of(manifest), manifest.canonical()
    spelled = spelled_json(said["predicate"])

    assert spelled == text
    assert parse_any_manifest(spelled, digest=digest_of(text)) == manifest
    assert said["subject"][0] == {
        "name": "manifest.json",
        "digest": {"sha256": digest_of(text)},
    }


def test_subjects_are_the_manifest_and_each_object_under_its_name_in_the_vault() -> None:
    names = [one["name"] for one in said_of(a_manifest())["subject"]]

    assert names == ["manifest.json", CONFIG, EVALUATION, MODEL]


@pytest.mark.parametrize(
    ("known", "digest"),
    [
        ({"sha256": "5" * 64, "checksums": {"CRC32": "AA=="}}, {"sha256": "5" * 64}),
        ({"checksums": {"CRC64NVME": "AA=="}}, {"CRC64NVME": "AA=="}),
        ({"checksums": {"SHA256": "AA==-12"}, "checksum_type": "COMPOSITE"}, {"SHA256": "AA==-12"}),
        ({}, {"s3:etag": "e7a6"}),
    ],
    ids=["read", "unread, a checksum", "unread, a checksum of parts", "unread, no checksum"],
)
def test_a_subject_has_the_strongest_digest_there_is(
    known: dict[str, Any], digest: dict[str, str]
) -> None:
    assert digests(an_object(**known)) == digest


@pytest.mark.parametrize(
    ("checksums", "kind", "sha256"),
    [
        ({"SHA256": "q83v"}, FULL_OBJECT, "abcdef"),
        ({"SHA256": "q83v-2"}, "COMPOSITE", ""),
        ({"CRC64NVME": "q83v"}, FULL_OBJECT, ""),
        ({}, "", ""),
    ],
)
def test_a_sha256_of_the_whole_object_is_taken_from_s3(
    checksums: dict[str, str], kind: str, sha256: str
) -> None:
    assert sha256_of(checksums, kind) == sha256


def changed(said: Any, *path: Any, to: Any) -> Any:
    *above, last = path
    inner = said
    for one in above:
        inner = inner[one]
    inner[last] = to
    return said


@pytest.mark.parametrize(
    ("path", "to", "named"),
    [
        (("predicate", "target"), "other", "predicate.target"),
        (("predicate", "schema_version"), True, "predicate.schema_version"),
        (("predicate", "release", "version"), 5, "predicate.release"),
        (("predicate", "objects", 0, "size"), 8, "predicate.objects"),
        (("predicate", "added"), None, "predicate.added"),
        (("subject", 1, "digest"), {"sha256": "0" * 64}, "subject"),
        (("subject", 0, "digest"), {"sha256": "0" * 64}, "subject"),
        (("subject",), [], "subject"),
        (("predicateType",), "https://slsa.dev/provenance/v1", "predicateType"),
        (("_type",), "https://in-toto.io/Statement/v0.1", "_type"),
        (("more",), 1, "more"),
        (("predicate",), [], "all"),
    ],
)
def test_a_statement_that_says_anything_else_is_told_by_what_differs(
    path: tuple[Any, ...], to: Any, named: str
) -> None:
    said = changed(said_of(a_manifest()), *path, to=to)

    found = complaint(said, a_manifest())
    assert found.startswith("SIGNED_OTHERWISE: ")
    assert named in found


def test_a_statement_without_a_predicate_is_told_as_one() -> None:
    said = said_of(a_manifest())
    del said["predicate"]

    assert complaint(said, a_manifest()).startswith("SIGNED_OTHERWISE: predicate of its statement")


def test_the_order_of_subjects_is_part_of_what_is_said() -> None:
    said = said_of(a_manifest())
    said["subject"].reverse()

    assert "subject" in complaint(said, a_manifest())


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'"text"', b'{"_type":1,"_type":1}'])
def test_a_payload_that_is_no_statement_is_told_as_one(payload: bytes) -> None:
    assert complaint(payload, a_manifest()).startswith("SIGNED_OTHERWISE: ")


def test_a_payload_of_another_type_is_not_even_read() -> None:
    said = said_of(a_manifest())

    found = complaint(said, a_manifest(), kind="application/json")
    assert "its payload is application/json" in found


def test_only_signatures_of_trusted_keys_count_and_one_of_each() -> None:
    own, again, strange = (
        Signature(KEY, b"1"),
        Signature(KEY, b"2"),
        Signature(STRANGE, b"3"),
    )
    envelope = Envelope(PAYLOAD_TYPE, b"", (own, strange, again))

    assert trusted(envelope, (FORMER, KEY)) == (again,)
    assert trusted(envelope, (FORMER,)) == ()


def test_an_untrusted_key_is_named() -> None:
    envelope = signed_by(STRANGE, b"1", payload=b"")

    assert untrusted(envelope).startswith(f"SIGNATURE_UNTRUSTED: signed by {STRANGE}")
    assert "signed by nobody" in untrusted(Envelope(PAYLOAD_TYPE, b"", ()))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: "Infinity" not in json.dumps(value))


@given(st.lists(_VALUES, max_size=5))
def test_canonical_json_keeps_lists_in_their_order(values: list[Any]) -> None:
    assert json.loads(spelled_json(values)) == values
    assert json.loads(spelled_json({"b": values, "a": values[::-1]}))["b"] == values


@given(st.dictionaries(st.text(), _VALUES, max_size=5))
def test_canonical_json_does_not_know_in_which_order_names_came(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))

    assert spelled_json(backwards) == spelled_json(value)
    assert spelled_json(json.loads(spelled_json(value))) == spelled_json(value)


def test_subjects_follow_the_manifest_s_own_order() -> None:
    backwards = a_manifest(objects=a_manifest().objects[::-1])

    assert [one["name"] for one in subjects("d", backwards.objects)][1:] == [
        MODEL,
        EVALUATION,
        CONFIG,
    ]
