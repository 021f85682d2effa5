"""Two objects are the same by what was recorded of their bytes, and not by more than that."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.domain.likeness import Likeness, likeness

FULL, COMPOSITE = "FULL_OBJECT", "COMPOSITE"


def an_object(**recorded: Any) -> dict[str, Any]:
    return {"size": 7, "sha256": "", "checksums": {}, "checksum_type": "", "etag": "", **recorded}


def crc(value: str, kind: str, **more: Any) -> dict[str, Any]:
    return an_object(checksums={"ChecksumCRC64NVME": value}, checksum_type=kind, **more)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(None, an_object(), Likeness.ADDED, id="added"),
        pytest.param(an_object(), None, Likeness.REMOVED, id="removed"),
        pytest.param(
            an_object(sha256="a", etag="e"),
            an_object(sha256="a", etag="e", size=8),
            Likeness.CHANGED,
            id="another size, whatever else",
        ),
        pytest.param(
            an_object(sha256="a", etag="1"),
            an_object(sha256="a", etag="2"),
            Likeness.SAME,
            id="by digest, although encrypted otherwise",
        ),
        pytest.param(
            an_object(sha256="a", etag="e"),
            an_object(sha256="b", etag="e"),
            Likeness.CHANGED,
            id="by digest",
        ),
        pytest.param(crc("a", FULL), crc("a", FULL), Likeness.SAME, id="by checksum"),
        pytest.param(
            crc("a", FULL, etag="e"),
            crc("b", FULL, etag="e"),
            Likeness.CHANGED,
            id="by checksum too",
        ),
        pytest.param(crc("a", COMPOSITE), crc("a", COMPOSITE), Likeness.SAME, id="by parts"),
        pytest.param(
            crc("a", COMPOSITE), crc("b", COMPOSITE), Likeness.UNKNOWN, id="perhaps cut otherwise"
        ),
        pytest.param(crc("a", FULL), crc("a", COMPOSITE), Likeness.UNKNOWN, id="of two kinds"),
        pytest.param(an_object(etag="e"), an_object(etag="e"), Likeness.SAME, id="by etag"),
        pytest.param(
            an_object(etag="1"), an_object(etag="2"), Likeness.UNKNOWN, id="etags say nothing"
        ),
        pytest.param(an_object(), an_object(), Likeness.UNKNOWN, id="nothing was recorded"),
        pytest.param({"size": 7}, {"size": 7}, Likeness.UNKNOWN, id="of an older Sluice"),
    ],
)
def test_objects_are_alike_by_what_was_recorded(
    before: dict[str, Any] | None, after: dict[str, Any] | None, expected: Likeness
) -> None:
    assert likeness(before, after) is expected
