"""S3: pinned versions read and copied, the vault written once."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sluice.adapters.artifacts import ArtifactGoneError, Artifacts, ArtifactTooLargeError
from sluice.adapters.vault import MOST_PARTS, SMALLEST_PART, Vault, VaultConflictError, cut
from sluice.domain.manifest import CapturedObject
from sluice.domain.vault import STREAM_LIMIT, Comparison, comparison, same_checksums
from tests.builders import BUCKET, some_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults

KEY = "models/churn-v4/code/pre + ü.py"
KEPT = "releases/churn/v4-0123456789ab/code/pre.py"


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    return aws("s3")


def put(s3: Any, body: bytes, **extra: Any) -> str:
    version: str = s3.put_object(Bucket=BUCKET, Key=KEY, Body=body, **extra)["VersionId"]
    return version


def source_of(s3: Any, version_id: str, **changes: Any) -> CapturedObject:
    facts = Artifacts(s3).facts(BUCKET, KEY, version_id)
    defaults = {
        "name": "code/pre.py",
        "source_key": KEY,
        "version_id": version_id,
        "size": facts.size,
        "etag": facts.etag,
        "checksums": facts.checksums,
        "checksum_type": facts.checksum_type,
    }
    return CapturedObject.model_validate({**defaults, **changes})


def body_of(s3: Any, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


def test_facts_are_those_of_the_version_not_of_the_newest(s3: Any) -> None:
    first = put(s3, b"first", Metadata={"git-sha": "9f8d111"})
    put(s3, b"the second one")

    facts = Artifacts(s3).facts(BUCKET, KEY, first)

    assert facts.size == 5
    assert facts.metadata == {"git-sha": "9f8d111"}
    assert facts.etag == hashlib.md5(b"first", usedforsecurity=False).hexdigest()


def test_a_version_is_read_up_to_a_limit(s3: Any) -> None:
    version = put(s3, b"12345")
    artifacts = Artifacts(s3)

    assert artifacts.read(BUCKET, KEY, version, limit=5) == b"12345"
    with pytest.raises(ArtifactTooLargeError):
        artifacts.read(BUCKET, KEY, version, limit=4)


def test_only_the_first_bytes_are_asked_for(s3: Any, faults: Faults) -> None:
    version = put(s3, b"12345")

    assert Artifacts(s3).first_bytes(BUCKET, KEY, version, count=3) == b"123"
    assert Artifacts(s3).first_bytes(BUCKET, KEY, put(s3, b"1"), count=3) == b"1"


def test_a_deleted_version_is_gone_and_a_denied_one_is_not(s3: Any, faults: Faults) -> None:
    version = put(s3, b"12345")
    with faults.refusing("HeadObject", "403", status=403), pytest.raises(ClientError):
        Artifacts(s3).facts(BUCKET, KEY, version)

    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)

    with pytest.raises(ArtifactGoneError):
        Artifacts(s3).facts(BUCKET, KEY, version)
    with pytest.raises(ArtifactGoneError):
        Artifacts(s3).read(BUCKET, KEY, version, limit=5)


def test_a_delete_marker_named_by_its_version_is_gone(s3: Any) -> None:
    put(s3, b"12345")
    marker = s3.delete_object(Bucket=BUCKET, Key=KEY)["VersionId"]

    with pytest.raises(ArtifactGoneError):
        Artifacts(s3).facts(BUCKET, KEY, marker)


@pytest.mark.parametrize("body", [b"", b"1", b"x" * 70_000], ids=["empty", "a byte", "more"])
def test_the_vault_keeps_the_version_that_is_pinned(s3: Any, body: bytes) -> None:
    version = put(s3, body)
    put(s3, b"pushed later")

    copy = Vault(s3).keep(BUCKET, source_of(s3, version), key=KEPT)

    assert body_of(s3, KEPT) == body
    assert (copy.name, copy.key, copy.size) == ("code/pre.py", KEPT, len(body))
    assert copy.version_id == s3.head_object(Bucket=BUCKET, Key=KEPT)["VersionId"]
    assert Vault(s3).holds(BUCKET, copy)


def test_keeping_again_writes_nothing(s3: Any, faults: Faults) -> None:
    source = source_of(s3, put(s3, b"12345"))
    first = Vault(s3).keep(BUCKET, source, key=KEPT)

    with faults.recorded() as calls:
        assert Vault(s3).keep(BUCKET, source, key=KEPT) == first

    assert set(calls) <= {"HeadObject", "GetObject"}


def test_a_copy_somebody_else_completed_meanwhile_is_taken(s3: Any, faults: Faults) -> None:
    source = source_of(s3, put(s3, b"12345"))
    copies = []
    for number in range(8):
        s3.delete_object(Bucket=BUCKET, Key=KEPT)
        with faults.meanwhile(number, lambda: Vault(s3).keep(BUCKET, source, key=KEPT)):
            copies.append(Vault(s3).keep(BUCKET, source, key=KEPT).size)

    assert copies == [5] * 8
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_other_bytes_of_the_same_size_are_a_conflict(s3: Any) -> None:
    source = source_of(s3, put(s3, b"12345"))
    s3.put_object(Bucket=BUCKET, Key=KEPT, Body=b"54321")

    with pytest.raises(VaultConflictError):
        Vault(s3).keep(BUCKET, source, key=KEPT)

    assert body_of(s3, KEPT) == b"54321"


def test_a_source_deleted_before_it_is_copied_is_gone_and_leaves_nothing_behind(s3: Any) -> None:
    version = put(s3, b"12345")
    source = source_of(s3, version)
    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)

    with pytest.raises(ArtifactGoneError):
        Vault(s3).keep(BUCKET, source, key=KEPT)

    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_every_part_of_a_copy_is_pinned(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    version = put(s3, b"x")
    source = source_of(s3, version, size=SMALLEST_PART * 2 + 1)
    sent: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params)

    s3.meta.events.register("provide-client-params.s3.UploadPartCopy", note)
    with pytest.raises(ClientError):  # moto's parts are as small as their source
        Vault(s3).keep(BUCKET, source, key=KEPT)
    s3.meta.events.unregister("provide-client-params.s3.UploadPartCopy", note)

    assert [one["PartNumber"] for one in sent] == [1, 2, 3]
    assert sent[2]["CopySourceRange"] == f"bytes={2 * SMALLEST_PART}-{2 * SMALLEST_PART}"
    for one in sent:
        assert one["CopySource"] == f"{BUCKET}/{quote(KEY)}?versionId={version}"
        assert one["CopySourceIfMatch"] == f'"{source.etag}"'


@given(st.integers(1, 50 * 10**12))
def test_parts_cover_an_object_of_any_size_within_s3s_limits(size: int) -> None:
    parts = list(cut(size))

    assert 1 <= len(parts) <= MOST_PARTS
    if len(parts) == 1:
        assert parts == [(1, "")]
        return
    ends = [tuple(map(int, extent.removeprefix("bytes=").split("-"))) for _, extent in parts]
    assert ends[0][0] == 0
    assert ends[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ends))
    lengths = {end - start + 1 for start, end in ends[:-1]}
    assert len(lengths) == 1
    assert 5 * 2**20 <= lengths.pop() <= 5 * 2**30


@pytest.mark.parametrize(
    ("source", "copy", "how", "same"),
    [
        pytest.param(
            {"checksums": {"CRC64NVME": "a"}, "checksum_type": "FULL_OBJECT"},
            {"checksums": {"CRC64NVME": "a"}, "checksum_type": "FULL_OBJECT"},
            Comparison.CHECKSUM,
            True,
            id="one checksum of the whole object",
        ),
        pytest.param(
            {"checksums": {"CRC64NVME": "a"}, "checksum_type": "FULL_OBJECT"},
            {"checksums": {"CRC64NVME": "b"}, "checksum_type": "FULL_OBJECT"},
            Comparison.CHECKSUM,
            False,
            id="different checksums",
        ),
        pytest.param(
            {"checksums": {"CRC32": "a-3"}, "checksum_type": "COMPOSITE"},
            {"checksums": {"CRC32": "b-2"}, "checksum_type": "COMPOSITE"},
            Comparison.STREAM,
            True,
            id="checksums of differently cut parts say nothing",
        ),
        pytest.param(
            {"checksums": {"CRC32": "a"}, "checksum_type": "FULL_OBJECT"},
            {"checksums": {"CRC64NVME": "a"}, "checksum_type": "FULL_OBJECT"},
            Comparison.STREAM,
            True,
            id="no algorithm in common",
        ),
        pytest.param(
            {"size": STREAM_LIMIT + 1}, {}, Comparison.PARTS, True, id="too large to be read"
        ),
    ],
)
def test_only_comparable_checksums_are_compared(
    source: dict[str, Any], copy: dict[str, Any], how: Comparison, *, same: bool
) -> None:
    pinned = CapturedObject.model_validate(
        {"name": "n", "source_key": "k", "version_id": "v", "size": 1, "etag": "e", **source}
    )

    assert comparison(pinned, some_facts(**copy)) is how
    assert same_checksums(pinned, some_facts(**copy)) is same


def test_a_small_object_is_written_once(s3: Any) -> None:
    vault = Vault(s3)
    vault.write_once(BUCKET, KEPT, b"{}")
    vault.write_once(BUCKET, KEPT, b"{}")

    with pytest.raises(VaultConflictError):
        vault.write_once(BUCKET, KEPT, b"{} ")

    assert body_of(s3, KEPT) == b"{}"
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 1


@pytest.mark.parametrize("tamper", ["overwrite", "delete"])
def test_a_copy_that_was_tampered_with_is_not_held_any_more(s3: Any, tamper: str) -> None:
    copy = Vault(s3).keep(BUCKET, source_of(s3, put(s3, b"12345")), key=KEPT)
    if tamper == "overwrite":
        s3.put_object(Bucket=BUCKET, Key=KEPT, Body=b"12345")
    else:
        s3.delete_object(Bucket=BUCKET, Key=KEPT)

    assert not Vault(s3).holds(BUCKET, copy)
