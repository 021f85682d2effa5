"""Whether the vault holds what a manifest names, by the manifest alone."""

from __future__ import annotations

import pytest

from sluice.domain.intact import Held, Proof, intact_checks, proof, unproved
from sluice.domain.manifest import CapturedObject
from sluice.domain.vault import FULL_OBJECT, Standing
from sluice.domain.verifying import Unread, findings
from tests.builders import a_manifest

SUMS = {"CRC64NVME": "abc="}


def captured(sha256: str = "", kind: str = "") -> CapturedObject:
    return CapturedObject(
        name="model.tar.gz",
        source_key="models/churn-v4/model.tar.gz",
        version_id="1",
        size=9,
        etag="e",
        checksums=SUMS if kind else {},
        checksum_type=kind,
        sha256=sha256,
    )


def standing(*, size: int = 9, crc: str = "abc=") -> Standing:
    sums = {"CRC64NVME": crc}
    return Standing(
        version_id="7", size=size, etag="other", checksums=sums, checksum_type=FULL_OBJECT
    )


HASHED, SUMMED, COMPOSITE = captured("00"), captured(kind=FULL_OBJECT), captured(kind="COMPOSITE")


@pytest.mark.parametrize(
    ("source", "how"),
    [
        pytest.param(captured("00", FULL_OBJECT), Proof.CONTENT, id="a SHA-256 goes first"),
        pytest.param(SUMMED, Proof.CHECKSUM, id="a checksum of the whole object"),
        pytest.param(COMPOSITE, Proof.NONE, id="a checksum of parts says nothing of a copy"),
        pytest.param(captured(), Proof.NONE, id="nothing"),
    ],
)
def test_how_bytes_can_be_known(source: CapturedObject, how: Proof) -> None:
    assert proof(source, standing()) is how


@pytest.mark.parametrize(
    ("source", "held", "severity"),
    [
        pytest.param(HASHED, Held(standing(), sha256="00"), "", id="the same content"),
        pytest.param(HASHED, Held(standing(), sha256="01"), "drift", id="other content"),
        pytest.param(SUMMED, Held(standing()), "", id="the same checksum"),
        pytest.param(SUMMED, Held(standing(crc="x=")), "drift", id="another checksum"),
        pytest.param(COMPOSITE, Held(standing()), "", id="written once"),
        pytest.param(COMPOSITE, Held(standing(), versions=2), "drift", id="written twice"),
        pytest.param(COMPOSITE, Held(standing(size=8)), "drift", id="another size"),
        pytest.param(HASHED, None, "gone", id="gone"),
        pytest.param(HASHED, Unread("denied"), "unreadable", id="not to be read"),
    ],
)
def test_what_stands_there_is_held_against_the_manifest(
    source: CapturedObject, held: Held | Unread | None, severity: str
) -> None:
    manifest = a_manifest(objects=(source,))
    found = findings(intact_checks(manifest, {source.name: held}))
    assert [str(one.severity) for one in found] == ([severity] if severity else [])
    assert all(one.what == "model.tar.gz of churn-v4 in the vault" for one in found)


def test_what_nothing_proves_is_named() -> None:
    for source in (HASHED, SUMMED):
        assert unproved(a_manifest(objects=(source,)), {source.name: Held(standing())}) == ()
    manifest = a_manifest(objects=(COMPOSITE,))
    assert unproved(manifest, {COMPOSITE.name: Held(standing())}) == ("model.tar.gz",)
