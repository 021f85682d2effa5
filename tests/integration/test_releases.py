"""Releases in the ledger: claimed once, registered once, approvals appended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.intake import Intake, receipt_item
from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.inbox import CONFIG
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.release import ApprovalChange, ApprovalStatus, Capture, System
from sluice.domain.vault import Comparison, VaultCopy
from tests.builders import AT, a_folder, a_manifest, a_noted, a_release, a_release_name, an_upload

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table
    from sluice.domain.release import Release

TEXT = a_manifest().canonical()
COPY = VaultCopy(
    name="model.tar.gz", key="k", version_id="v", size=1, etag="e", compared=Comparison.STREAM
)


@pytest.fixture
def releases(table: Table) -> Releases:
    intake = Intake(table)
    for noted in a_folder():
        intake.note(noted)
    return Releases(table)


def claimed(folder: str = "churn-v4") -> Release:
    return a_release(folder, capture=Capture.CLAIMED, package_arn="", package_version=0)


def approved_by(release: Release, actor: str) -> Release:
    change = ApprovalChange(
        status=ApprovalStatus.APPROVED, last_modified=AT, actor=actor, observed_at=AT
    )
    update = {"approval": change.status, "approvals": (*release.approvals, change)}
    return release.model_copy(update=update)


def test_a_folder_is_claimed_once(releases: Releases) -> None:
    releases.claim(claimed(), TEXT, based_on=a_folder())

    with pytest.raises(ConditionFailedError):
        releases.claim(claimed(), "another", based_on=a_folder())

    assert releases.get(a_release_name("churn-v4")) == claimed()
    assert releases.captured(a_release_name("churn-v4")).manifest == TEXT


def test_a_claim_on_objects_overwritten_meanwhile_fails(releases: Releases, table: Table) -> None:
    overwritten = an_upload(CONFIG, version_id="newer", sequencer="ff")
    Intake(table).note(a_noted(CONFIG, upload=overwritten))

    with pytest.raises(ConditionFailedError):
        releases.claim(claimed(), TEXT, based_on=a_folder())

    assert releases.get(a_release_name("churn-v4")) is None
    assert releases.groups() == ()


def test_registering_ends_the_inputs_in_the_same_write(releases: Releases, table: Table) -> None:
    releases.claim(claimed(), TEXT, based_on=a_folder())
    receipt = Receipt(identity="b/k@v", kind=Kind.REGISTERED, at=AT)

    releases.register(a_release(), [COPY], receipts=[receipt_item(receipt)])

    assert releases.get(a_release_name("churn-v4")) == a_release()
    assert releases.captured(a_release_name("churn-v4")).copies == (COPY,)
    assert Intake(table).receipt("b/k@v") == receipt


def test_a_release_is_registered_once(releases: Releases, table: Table) -> None:
    releases.claim(claimed(), TEXT, based_on=a_folder())
    releases.register(a_release(), [COPY], receipts=[])
    receipt = Receipt(identity="b/k@v", kind=Kind.REGISTERED, at=AT)

    with pytest.raises(ConditionFailedError):
        releases.register(a_release(package_arn="another"), [], receipts=[receipt_item(receipt)])

    assert releases.get(a_release_name("churn-v4")) == a_release()
    assert Intake(table).receipt("b/k@v") is None


def test_an_observed_approval_replaces_only_what_was_seen(releases: Releases, table: Table) -> None:
    releases.claim(claimed(), TEXT, based_on=a_folder())
    releases.register(a_release(), [COPY], receipts=[])
    before = a_release()

    table.write(releases.replacing(before, approved_by(before, "ada")))
    with pytest.raises(ConditionFailedError):
        table.write(releases.replacing(before, approved_by(before, "bob")))

    release = releases.get(before.name)
    assert release
    assert [change.actor for change in release.approvals] == ["ada"]
    table.write(releases.replacing(release, approved_by(release, "bob")))


def test_releases_of_a_group_come_in_the_order_of_their_numbers(releases: Releases) -> None:
    for folder in ("churn-v10", "churn-v9", "churn-v100", "churn-2-v1", "fraud-v3"):
        releases.claim(claimed(folder), TEXT, based_on=[])

    assert [release.name.version for release in releases.of_group("churn")] == [9, 10, 100]
    newest = releases.of_group("churn", newest_first=True)
    assert [release.name.version for release in newest] == [100, 10, 9]
    assert set(releases.groups()) == {"churn", "churn-2", "fraud"}


def test_a_folder_nobody_claimed_is_no_release(releases: Releases) -> None:
    assert releases.get(a_release_name("churn-v5")) is None
    assert list(releases.of_group("nobody")) == []


# What somebody wrote by hand.


@pytest.fixture
def edited(releases: Releases, table: Table) -> Releases:
    """Of three releases the second and the newest cannot be read any more."""
    for version in (1, 2, 3):
        release = claimed(f"churn-v{version}").model_copy(update={"target": f"churn-{version}"})
        releases.claim(release, TEXT, based_on=[])
    for version, changes in ((2, {"name": {"group": "churn", "version": 9}}), (3, {"digest": 7})):
        edit(table, f"V#{version:06d}", **changes)
    return releases


def edit(table: Table, sk: str, **changes: Any) -> None:
    item = table.get("RELEASE#churn", sk)
    table.write(table.put({**(item or {}), **changes}))


def test_a_record_that_was_edited_is_named_with_what_is_wrong(edited: Releases) -> None:
    with pytest.raises(RecordUnreadableError) as raised:
        edited.get(a_release_name("churn-v3"))

    said = "cannot be read: digest: Input should be a valid string, found 7"
    assert str(raised.value) == f"RELEASE#churn / V#000003 in the ledger {said}"
    assert raised.value.release == a_release_name("churn-v3")


def test_a_record_is_of_no_release_but_the_one_whose_key_it_has(edited: Releases) -> None:
    with pytest.raises(RecordUnreadableError, match="name: it is the record of churn-v9"):
        edited.get(a_release_name("churn-v2"))


def test_the_others_of_the_group_are_read_past_it(edited: Releases) -> None:
    broken = list[RecordUnreadableError]()

    found = [str(one.name) for one in edited.of_group("churn", unreadable=broken.append)]

    assert (found, [str(one.release) for one in broken]) == (
        ["churn-v1"],
        ["churn-v2", "churn-v3"],
    )
    with pytest.raises(RecordUnreadableError):
        list(edited.of_group("churn"))


def test_the_next_number_comes_after_one_that_cannot_be_read(
    edited: Releases, table: Table
) -> None:
    table.write(table.put({"pk": "RELEASE#churn", "sk": "V#unheard-of"}))

    assert edited.newest("churn") == 3


def test_a_target_that_only_an_edited_record_names_is_known(edited: Releases, table: Table) -> None:
    edit(table, "V#000001", target=7)
    edit(table, "V#000002", system=System.BEDROCK.value)
    edit(table, "V#000003", system="Unheard")

    assert edited.targets_of("churn") == {"application/churn-2"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"manifest": 7}, "manifest: Input should be a valid string, found 7"),
        ({"copies": [{}]}, "copies.0.name: Field required; copies.0.key: Field required; "),
    ],
)
def test_what_it_was_captured_as_is_named_when_it_was_edited(
    releases: Releases, table: Table, changes: dict[str, Any], wrong: str
) -> None:
    releases.claim(claimed(), TEXT, based_on=a_folder())
    edit(table, "CAPTURE#000004", **changes)

    with pytest.raises(RecordUnreadableError) as raised:
        releases.captured(a_release_name("churn-v4"))

    said = f"RELEASE#churn / CAPTURE#000004 in the ledger cannot be read: {wrong}"
    assert str(raised.value).startswith(said)
    with pytest.raises(KeyError):
        releases.captured(a_release_name("churn-v5"))
