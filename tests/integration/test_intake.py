"""The inbox in the ledger: newest wins, one receipt an input, nothing decided on stale news."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.intake import Intake, receipt_item
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.inbox import CONFIG, Place
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import Capture
from tests.builders import AT, a_folder, a_manifest, a_noted, a_release, a_release_name, an_upload

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table
    from sluice.domain.noted import Noted
    from tests.integration.faults import Faults

RELEASE = a_release_name("churn-v4")
FOLDER = "models/churn-v4"
PLACE = Place(release=RELEASE, name=CONFIG)


@pytest.fixture
def intake(table: Table) -> Intake:
    return Intake(table)


def version(sequencer: int, **changes: Any) -> Noted:
    upload = an_upload(CONFIG, version_id=f"v{sequencer}", sequencer=f"{sequencer:x}")
    return a_noted(CONFIG, upload=upload, **changes)


def a_receipt(kind: Kind, *, identity: str = "bucket/key@v1", **changes: Any) -> Receipt:
    return Receipt.model_validate({"identity": identity, "kind": kind, "at": AT, **changes})


@pytest.mark.parametrize("order", list(permutations([9, 10, 255, 256])))
def test_whatever_the_order_of_events_the_newest_version_counts(
    intake: Intake, order: tuple[int, ...]
) -> None:
    for sequencer in order:
        noted = version(sequencer)
        if intake.note(noted) == noted:
            intake.end(a_receipt(Kind.PENDING, identity=noted.upload.identity))

    (counts,) = intake.folder(FOLDER)
    assert counts.upload.version_id == "v256"
    for number, sequencer in enumerate(order[: order.index(256)]):
        receipt = intake.receipt(version(sequencer).upload.identity)
        counted = sequencer == max(order[: number + 1])
        assert (receipt.reason if receipt else None) is (Reason.SUPERSEDED if counted else None)
    for sequencer in order[order.index(256) + 1 :]:
        assert intake.receipt(version(sequencer).upload.identity) is None


def test_noting_a_version_again_changes_nothing(intake: Intake) -> None:
    first = version(1)
    again = version(1, image="resolved to something else")

    intake.note(first)

    assert intake.note(again) == first
    assert intake.folder(FOLDER) == (first,)


def test_a_refused_version_keeps_its_receipt_when_it_is_replaced(intake: Intake) -> None:
    refusal = Refusal(reason=Reason.MALFORMED_JSON, detail="cut off")
    bad, good = version(1, refusal=refusal), version(2)
    intake.note(bad)
    rejected = a_receipt(Kind.REJECTED, identity=bad.upload.identity, reason=Reason.MALFORMED_JSON)
    intake.end(rejected)

    assert intake.note(good) == good

    assert intake.folder(FOLDER) == (good,)
    assert intake.receipt(bad.upload.identity) == rejected


@pytest.mark.parametrize("number", range(3))
def test_three_versions_noted_at_once_end_with_the_newest(
    intake: Intake, faults: Faults, number: int
) -> None:
    intake.note(version(1))

    with faults.meanwhile(number, lambda: intake.note(version(3))):
        counts = intake.note(version(2))

    assert intake.folder(FOLDER) == (version(3),)
    assert counts == version(3)


def test_what_was_noted_is_read_back_as_it_was(intake: Intake) -> None:
    folder = [*a_folder(), a_noted("code/ü pre.py")]
    for noted in folder:
        intake.note(noted)
    intake.note(a_noted("model.tar.gz", folder="churn-v40"))

    assert sorted(intake.folder(FOLDER), key=repr) == sorted(folder, key=repr)


def test_what_a_newer_version_of_ours_noted_can_still_be_read(intake: Intake, table: Table) -> None:
    intake.note(version(1))
    (item,) = table.query("UPLOAD#models/churn-v4")
    newer = item["noted"].replace('"instance_count":1', '"instance_count":1,"new_field":[1]')
    assert newer != item["noted"]
    table.write(table.put({**item, "noted": newer}))

    (noted,) = intake.folder(FOLDER)

    assert noted.config == version(1).config


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        (Kind.PENDING, Kind.PENDING, Kind.PENDING),
        (Kind.PENDING, Kind.REGISTERED, Kind.REGISTERED),
        (Kind.REGISTERED, Kind.REGISTERED, Kind.REGISTERED),
    ],
)
def test_a_receipt_may_end_and_may_be_repeated(
    intake: Intake, first: Kind, second: Kind, stands: Kind
) -> None:
    intake.end(a_receipt(first))
    intake.end(a_receipt(second))

    receipt = intake.receipt("bucket/key@v1")
    assert receipt
    assert receipt.kind is stands


@pytest.mark.parametrize("second", [Kind.PENDING, Kind.DUPLICATE, Kind.REJECTED])
def test_an_input_that_ended_does_not_end_otherwise(intake: Intake, second: Kind) -> None:
    intake.end(a_receipt(Kind.REGISTERED))

    with pytest.raises(ConditionFailedError):
        intake.end(a_receipt(second))

    receipt = intake.receipt("bucket/key@v1")
    assert receipt
    assert receipt.kind is Kind.REGISTERED


def test_what_is_decided_for_an_open_folder_is_not_written_to_a_claimed_one(
    intake: Intake, table: Table
) -> None:
    pending = a_receipt(Kind.PENDING)
    intake.end_unclaimed(pending, PLACE)
    for noted in a_folder():
        intake.note(noted)
    manifest = a_manifest().canonical()
    Releases(table).claim(a_release(capture=Capture.CLAIMED), manifest, based_on=a_folder())

    with pytest.raises(ConditionFailedError):
        intake.end_unclaimed(a_receipt(Kind.PENDING, identity="another"), PLACE)
    intake.end_claimed(a_receipt(Kind.REJECTED, reason=Reason.ARTIFACT_GONE), RELEASE)

    assert intake.receipt("another") is None


def test_a_receipt_expires(table: Table, intake: Intake) -> None:
    intake.end(a_receipt(Kind.PENDING))

    item = table.get("INPUT#bucket/key@v1", "RECORD")

    assert item == receipt_item(a_receipt(Kind.PENDING))
    assert item["expires_at"] - AT.timestamp() == 400 * 86_400
