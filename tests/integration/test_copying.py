"""Copies into the vault: pinned, compared, written once, in as many turns as they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

from sluice.adapters.artifacts import ArtifactGoneError, Artifacts
from sluice.adapters.ledger.copies import Copies
from sluice.adapters.multipart import Multipart
from sluice.adapters.vault import NotComparedError, Vault, VaultConflictError
from sluice.copying import RESERVE_MILLISECONDS, Copying, CopyUnfinishedError, Turn
from sluice.domain.manifest import CapturedObject
from sluice.domain.vault import STREAM_LIMIT, Comparison, comparison, same_checksums
from tests.builders import AT, BUCKET, some_facts
from tests.integration.faults import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.table import Table
    from tests.integration.faults import Faults
    from tests.integration.rollouts import Wire

KEY = "models/churn-v4/code/pre + ü.py"
KEPT = "releases/churn/v4-0123456789ab/code/pre.py"
PART = 100
LARGE = bytes(range(256)) * 4
"""Eleven parts, once a part is a hundred bytes."""


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    return aws("s3")


@pytest.fixture
def copying(s3: Any, table: Table) -> Copying:
    return Copying(Vault(s3), Multipart(s3), Copies(table))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a part be a hundred bytes; S3 takes none of less than five megabytes but the last."""
    monkeypatch.setattr("sluice.domain.parts.SMALLEST_PART", PART)
    monkeypatch.setattr("sluice.adapters.multipart.AT_A_TIME", 1)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    copy_part = S3Backend.upload_part_copy

    def upload_part_copy(self: Any, bucket: str, upload: str, *args: Any, **kwargs: Any) -> Any:
        # S3's answer about an upload that is over; moto's is a KeyError.
        if upload not in self.get_bucket(bucket).multiparts:
            raise NoSuchUpload(upload_id=upload)
        return copy_part(self, bucket, upload, *args, **kwargs)

    monkeypatch.setattr(S3Backend, "upload_part_copy", upload_part_copy)


def turn(*, parts: int = 1_000, by: str = "input") -> Turn:
    """A turn that has time for just so many parts."""
    left = iter([RESERVE_MILLISECONDS] * parts)
    return Turn(by=by, remaining=lambda: next(left, 0), at=AT)


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


def open_uploads(s3: Any) -> int:
    return len(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


@pytest.mark.parametrize("body", [b"", b"1", b"x" * 70_000], ids=["empty", "a byte", "more"])
def test_the_vault_keeps_the_version_that_is_pinned(s3: Any, copying: Copying, body: bytes) -> None:
    version = put(s3, body)
    put(s3, b"pushed later")

    copy = copying.keep(BUCKET, source_of(s3, version), key=KEPT, turn=turn())

    assert body_of(s3, KEPT) == body
    assert (copy.name, copy.key, copy.size) == ("code/pre.py", KEPT, len(body))
    assert copy.version_id == s3.head_object(Bucket=BUCKET, Key=KEPT)["VersionId"]
    assert Vault(s3).holds(BUCKET, copy)


def test_keeping_again_writes_nothing(s3: Any, copying: Copying, faults: Faults) -> None:
    source = source_of(s3, put(s3, b"12345"))
    first = copying.keep(BUCKET, source, key=KEPT, turn=turn())

    with faults.recorded() as calls:
        assert copying.keep(BUCKET, source, key=KEPT, turn=turn()) == first

    assert set(calls) <= {"HeadObject", "GetObject"}


def test_a_copy_somebody_else_completed_meanwhile_is_taken(
    s3: Any, copying: Copying, faults: Faults
) -> None:
    source = source_of(s3, put(s3, b"12345"))
    copies = []
    for number in range(8):
        s3.delete_object(Bucket=BUCKET, Key=KEPT)
        with faults.meanwhile(number, lambda: copying.keep(BUCKET, source, key=KEPT, turn=turn())):
            copies.append(copying.keep(BUCKET, source, key=KEPT, turn=turn()).size)

    assert copies == [5] * 8
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_other_bytes_of_the_same_size_are_a_conflict(s3: Any, copying: Copying) -> None:
    source = source_of(s3, put(s3, b"12345"))
    s3.put_object(Bucket=BUCKET, Key=KEPT, Body=b"54321")

    with pytest.raises(VaultConflictError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn())

    assert body_of(s3, KEPT) == b"54321"


def test_a_source_deleted_before_it_is_copied_is_gone_and_leaves_nothing_behind(
    s3: Any, copying: Copying
) -> None:
    version = put(s3, b"12345")
    source = source_of(s3, version)
    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)

    with pytest.raises(ArtifactGoneError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn())

    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)


def test_every_part_of_a_copy_is_pinned(s3: Any, copying: Copying, small_parts: None) -> None:
    version = put(s3, LARGE)
    source = source_of(s3, version)
    sent: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params)

    s3.meta.events.register("provide-client-params.s3.UploadPartCopy", note)
    copying.keep(BUCKET, source, key=KEPT, turn=turn())
    s3.meta.events.unregister("provide-client-params.s3.UploadPartCopy", note)

    assert [one["PartNumber"] for one in sent] == list(range(1, 12))
    assert sent[10]["CopySourceRange"] == "bytes=1000-1023"
    for one in sent:
        assert one["CopySource"] == f"{BUCKET}/{quote(KEY)}?versionId={version}"
        assert one["CopySourceIfMatch"] == f'"{source.etag}"'
    assert body_of(s3, KEPT) == LARGE


def test_a_copy_takes_as_many_turns_as_it_needs_and_copies_no_part_twice(
    s3: Any, copying: Copying, small_parts: None, faults: Faults
) -> None:
    source = source_of(s3, put(s3, LARGE))
    with faults.recorded() as calls:
        for finished in (4, 8):
            said = f"copying code/pre.py: {finished} of 11 parts"
            with pytest.raises(CopyUnfinishedError, match=said) as left:
                copying.keep(BUCKET, source, key=KEPT, turn=turn(parts=4))
            assert left.value.ours
        copying.keep(BUCKET, source, key=KEPT, turn=turn(parts=4))

    assert calls.count("UploadPartCopy") == 11
    assert calls.count("CreateMultipartUpload") == 1
    assert body_of(s3, KEPT) == LARGE


@pytest.mark.parametrize("number", range(13))
def test_a_copy_that_was_killed_goes_on_with_the_parts_it_lacks(
    s3: Any, copying: Copying, small_parts: None, faults: Faults, number: int
) -> None:
    source = source_of(s3, put(s3, LARGE))
    with faults.crash(number) as before, pytest.raises(Crash):
        copying.keep(BUCKET, source, key=KEPT, turn=turn())

    with faults.recorded() as calls:
        copying.keep(BUCKET, source, key=KEPT, turn=turn())

    copied = before.count("UploadPartCopy") + calls.count("UploadPartCopy")
    assert copied == 11
    assert body_of(s3, KEPT) == LARGE
    assert open_uploads(s3) == (1 if number == 0 else 0)  # its id was not written down


def test_two_turns_that_meet_at_any_call_make_one_copy(
    s3: Any, copying: Copying, small_parts: None, faults: Faults
) -> None:
    source = source_of(s3, put(s3, LARGE))
    for number in range(40):
        key = f"{KEPT}-{number}"
        met: list[int] = []

        def rival(key: str = key, met: list[int] = met) -> None:
            met.append(copying.keep(BUCKET, source, key=key, turn=turn()).size)

        with faults.meanwhile(number, rival):
            ours = copying.keep(BUCKET, source, key=key, turn=turn()).size
        if not met:
            break
        assert [ours] == met == [len(LARGE)]
        assert body_of(s3, key) == LARGE
    assert number > 15
    assert open_uploads(s3) == 0


@pytest.mark.parametrize("operation", ["CompleteMultipartUpload", "PutItem", "UploadPartCopy"])
def test_a_reply_that_is_lost_costs_no_second_copy(
    s3: Any, copying: Copying, small_parts: None, faults: Faults, operation: str
) -> None:
    source = source_of(s3, put(s3, LARGE))

    with faults.lost_reply(operation):
        copying.keep(BUCKET, source, key=KEPT, turn=turn())

    versions = s3.list_object_versions(Bucket=BUCKET, Prefix=KEPT)["Versions"]
    assert len(versions) == 1
    assert body_of(s3, KEPT) == LARGE
    assert open_uploads(s3) == 0


def test_a_source_overwritten_between_turns_is_copied_as_it_was_pinned(
    s3: Any, copying: Copying, small_parts: None
) -> None:
    source = source_of(s3, put(s3, LARGE))
    with pytest.raises(CopyUnfinishedError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn(parts=4))
    put(s3, b"another" * 200)

    copying.keep(BUCKET, source, key=KEPT, turn=turn())

    assert body_of(s3, KEPT) == LARGE


def test_a_source_deleted_between_turns_is_gone_and_leaves_nothing_behind(
    s3: Any, copying: Copying, small_parts: None
) -> None:
    version = put(s3, LARGE)
    source = source_of(s3, version)
    with pytest.raises(CopyUnfinishedError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn(parts=4))
    s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=version)

    with pytest.raises(ArtifactGoneError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn())

    assert open_uploads(s3) == 0


def test_a_copy_whose_upload_the_lifecycle_aborted_begins_anew(
    s3: Any, copying: Copying, small_parts: None
) -> None:
    source = source_of(s3, put(s3, LARGE))
    with pytest.raises(CopyUnfinishedError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn(parts=4))
    (upload,) = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=KEPT, UploadId=upload["UploadId"])

    copying.keep(BUCKET, source, key=KEPT, turn=turn())

    assert body_of(s3, KEPT) == LARGE


def test_a_copy_is_carried_on_by_who_began_it_or_by_the_schedule(
    s3: Any, copying: Copying, small_parts: None, faults: Faults
) -> None:
    source = source_of(s3, put(s3, LARGE))
    with pytest.raises(CopyUnfinishedError):
        copying.keep(BUCKET, source, key=KEPT, turn=turn(parts=4))

    with faults.recorded() as calls, pytest.raises(CopyUnfinishedError) as left:
        copying.keep(BUCKET, source, key=KEPT, turn=turn(by="somebody else"))

    assert (str(left.value), left.value.ours) == ("copying code/pre.py: 4 of 11 parts", False)
    assert "UploadPartCopy" not in calls

    copying.keep(BUCKET, source, key=KEPT, turn=turn(by=""))
    assert body_of(s3, KEPT) == LARGE


def test_parts_that_somebody_copied_again_are_listed_anew(
    s3: Any, copying: Copying, small_parts: None, wire: Wire
) -> None:
    # Encrypted under a KMS key, a part copied twice has two ETags; moto's are always the same.
    source = source_of(s3, put(s3, LARGE))
    wire.refuse("CompleteMultipartUpload", "InvalidPart")

    copying.keep(BUCKET, source, key=KEPT, turn=turn())

    assert len(wire.calls("ListParts")) == 2
    assert len(wire.calls("UploadPartCopy")) == 11
    assert body_of(s3, KEPT) == LARGE


def test_several_parts_are_copied_at_once(
    s3: Any, copying: Copying, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.adapters.multipart.AT_A_TIME", 4)

    copying.keep(BUCKET, source_of(s3, put(s3, LARGE)), key=KEPT, turn=turn())

    assert body_of(s3, KEPT) == LARGE


def test_a_small_copy_writes_nothing_into_the_ledger(
    s3: Any, copying: Copying, faults: Faults
) -> None:
    source = source_of(s3, put(s3, b"12345"))

    with faults.recorded() as calls:
        copying.keep(BUCKET, source, key=KEPT, turn=turn(), fresh=True)

    assert calls[:3] == ["CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"]
    assert not {"PutItem", "GetItem"} & set(calls)


def whole(checksums: dict[str, str]) -> dict[str, Any]:
    """Facts of an object with checksums of all its bytes."""
    return {"checksums": checksums, "checksum_type": "FULL_OBJECT"}


@pytest.mark.parametrize(
    ("source", "copy", "how", "same"),
    [
        pytest.param(
            whole({"CRC64NVME": "a"}),
            whole({"CRC64NVME": "a"}),
            Comparison.CHECKSUM,
            True,
            id="one checksum of the whole object",
        ),
        pytest.param(
            whole({"CRC64NVME": "a"}),
            whole({"CRC64NVME": "b"}),
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
            whole({"CRC32": "a"}),
            whole({"CRC64NVME": "a"}),
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
def test_a_copy_that_was_tampered_with_is_not_held_any_more(
    s3: Any, copying: Copying, tamper: str
) -> None:
    copy = copying.keep(BUCKET, source_of(s3, put(s3, b"12345")), key=KEPT, turn=turn())
    if tamper == "overwrite":
        s3.put_object(Bucket=BUCKET, Key=KEPT, Body=b"12345")
    else:
        s3.delete_object(Bucket=BUCKET, Key=KEPT)

    assert not Vault(s3).holds(BUCKET, copy)


def test_what_was_compared_by_reading_is_not_read_again_while_it_is_that_version(
    s3: Any, copying: Copying, faults: Faults
) -> None:
    source = source_of(s3, put(s3, b"weights"), checksums={}, checksum_type="")
    copy = copying.keep(BUCKET, source, key=KEPT, turn=turn())
    assert copy.compared is Comparison.STREAM

    with faults.recorded() as calls:
        assert Vault(s3).kept(BUCKET, source, key=KEPT, known=copy) == copy

    assert calls == ["HeadObject"]
    s3.put_object(Bucket=BUCKET, Key=KEPT, Body=b"another")
    with pytest.raises(VaultConflictError):
        Vault(s3).kept(BUCKET, source, key=KEPT, known=copy)


def test_nothing_is_read_whole_by_a_turn_that_ends(
    s3: Any, copying: Copying, faults: Faults
) -> None:
    source = source_of(s3, put(s3, b"weights"), checksums={}, checksum_type="")
    copying.keep(BUCKET, source, key=KEPT, turn=turn())

    with faults.recorded() as calls, pytest.raises(NotComparedError):
        Vault(s3).kept(BUCKET, source, key=KEPT, until=lambda: True)

    assert calls == ["HeadObject"]
