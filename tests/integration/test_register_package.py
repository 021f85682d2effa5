"""Uploads in, one package pending approval out: on a good day."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from sluice.domain.manifest import parse_manifest
from tests.builders import BUCKET, EVALUATION_RESULTS, REPOSITORY, WEIGHTS, a_config
from tests.integration.signing import assert_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

ALL_REGISTERED = {
    "churn-v4/model.tar.gz 1": "Registered",
    "churn-v4/config.json 1": "Registered",
    "churn-v4/evaluation-results.json 1": "Registered",
}


def test_a_complete_folder_becomes_one_package_pending_approval(inbox: Inbox) -> None:
    inbox.push("model.tar.gz", folder="other-v1")
    config = a_config(environment={"WORKERS": "2"}, content_types=["text/csv"])
    events = [inbox.push(MODEL), inbox.push(CONFIG, config), inbox.push(EVALUATION)]

    assert inbox.deliver(*events) == []

    (package,) = inbox.packages()
    (release,) = inbox.releases()
    vault = f"s3://{BUCKET}/releases/churn/v4-{release['digest'][:12]}"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    specification = package["InferenceSpecification"]
    (container,) = specification["Containers"]
    assert container["ModelDataUrl"] == f"{vault}/model.tar.gz"
    assert container["Image"].startswith(f"{REPOSITORY}@sha256:")
    assert container["Environment"] == {"WORKERS": "2"}
    assert specification["SupportedContentTypes"] == ["text/csv"]
    assert specification["SupportedRealtimeInferenceInstanceTypes"] == ["ml.m5.large"]
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics["S3Uri"] == f"{vault}/evaluation-results.json"
    assert package["MetadataProperties"]["CommitId"] == "9f8d111c0ffee"
    assert package["CustomerMetadataProperties"]["release-digest"] == release["digest"]
    assert package["CustomerMetadataProperties"]["version-folder"] == "models/churn-v4"
    assert inbox.records() == ALL_REGISTERED


def test_the_vault_holds_what_was_pushed_and_what_it_is(inbox: Inbox) -> None:
    inbox.deliver(*inbox.push_folder())

    (release,) = inbox.releases()
    folder = f"releases/churn/v4-{release['digest'][:12]}"
    vault = inbox.vault()
    assert_signed(vault)
    assert vault.pop(f"{folder}/manifest.dsse.json")
    manifest = json.loads(vault.pop(f"{folder}/manifest.json"))
    assert vault == {
        f"{folder}/model.tar.gz": WEIGHTS,
        f"{folder}/config.json": json.dumps(a_config()).encode(),
        f"{folder}/evaluation-results.json": json.dumps(EVALUATION_RESULTS).encode(),
    }
    assert manifest["commit"] == "9f8d111c0ffee"
    assert manifest["evaluation"] == EVALUATION_RESULTS
    assert {one["name"] for one in manifest["objects"]} == {MODEL, CONFIG, EVALUATION}
    assert inbox.open_uploads() == []


def test_the_ledger_knows_the_package_and_how_each_copy_was_compared(inbox: Inbox) -> None:
    inbox.deliver(*inbox.push_folder())

    (release,) = inbox.releases()
    (package,) = inbox.packages()
    (capture,) = [item for item in inbox.ledger() if item["sk"].startswith("CAPTURE#")]
    assert release["capture"] == "Registered"
    assert release["package_arn"] == package["ModelPackageArn"]
    assert release["package_version"] == package["ModelPackageVersion"]
    assert release["target"] == "churn"
    assert release["registered_at"] == "2026-05-03T14:00:00.000Z"
    assert {copy["name"] for copy in capture["copies"]} == {MODEL, CONFIG, EVALUATION}
    assert {copy["compared"] for copy in capture["copies"]} <= {"Checksum", "Stream"}


def test_the_order_of_events_does_not_matter(inbox: Inbox) -> None:
    model, config, evaluation = inbox.push_folder()

    for event in (evaluation, model, config):
        assert inbox.deliver(event) == []

    assert len(inbox.packages()) == 1
    assert inbox.records() == ALL_REGISTERED


def test_an_incomplete_folder_waits_and_says_for_what(inbox: Inbox) -> None:
    scripts = [{"file": "code/pre.py", "version": "1"}]
    inbox.deliver(inbox.push(MODEL), inbox.push(CONFIG, a_config(inference_scripts=scripts)))

    assert inbox.records() == {
        "churn-v4/model.tar.gz 1": "Pending",
        "churn-v4/config.json 1": "Pending",
    }
    assert inbox.details()["config.json"] == "waits for evaluation-results.json, code/pre.py"
    assert inbox.releases() == []
    assert inbox.vault() == {}


def test_files_that_the_config_names_are_part_of_the_version(inbox: Inbox) -> None:
    scripts = [
        {"file": "code/pre.py", "version": "1"},
        {"file": "code/__init__.py", "version": "1"},
    ]
    inbox.deliver(
        *[inbox.push(MODEL), inbox.push(CONFIG, a_config(inference_scripts=scripts))],
        inbox.push(EVALUATION),
        inbox.push("code/__init__.py", b""),
    )
    assert inbox.releases() == []

    inbox.deliver(inbox.push("code/pre.py", b"def pre(): ..."))

    names = {key.rpartition("/")[2]: content for key, content in inbox.vault().items()}
    assert names["pre.py"] == b"def pre(): ..."
    assert names["__init__.py"] == b""
    assert set(inbox.records().values()) == {"Registered"}
    assert len(inbox.records()) == 5


def test_files_nobody_names_are_ignored_whether_they_come_early_or_late(inbox: Inbox) -> None:
    inbox.deliver(inbox.push("early.txt", b"notes"))
    assert inbox.records() == {"churn-v4/early.txt 1": "Pending"}

    inbox.deliver(*inbox.push_folder(), inbox.push("late.txt", b"notes"))

    assert inbox.records() == {
        **ALL_REGISTERED,
        "churn-v4/early.txt 1": "Ignored NotNamed",
        "churn-v4/late.txt 1": "Ignored NotNamed",
    }


def test_a_second_delivery_changes_nothing(inbox: Inbox, faults: Faults) -> None:
    events = inbox.push_folder()
    inbox.deliver(*events)
    before = inbox.ledger()

    with faults.recorded() as calls:
        assert inbox.deliver(*events, *reversed(events)) == []

    assert inbox.ledger() == before
    assert set(calls) == {"GetItem"}
    assert len(inbox.packages()) == 1


def test_versions_of_a_group_are_packages_of_one_group(inbox: Inbox) -> None:
    for folder in ("churn-v7", "churn-v2", "fraud-v7"):
        inbox.deliver(*inbox.push_folder(folder))

    folders = [
        package["CustomerMetadataProperties"]["version-folder"] for package in inbox.packages()
    ]
    assert folders == ["models/churn-v7", "models/churn-v2"]
    assert len(inbox.packages("fraud")) == 1


def test_an_object_overwritten_before_the_folder_is_complete_counts_as_it_is_now(
    inbox: Inbox,
) -> None:
    inbox.deliver(inbox.push(CONFIG, a_config(instance_count=1)), inbox.push(MODEL))
    inbox.deliver(inbox.push(CONFIG, a_config(instance_count=3)))

    inbox.deliver(inbox.push(EVALUATION))

    (manifest,) = [body for key, body in inbox.vault().items() if key.endswith("manifest.json")]
    assert json.loads(manifest)["config"]["instance_count"] == 3
    assert inbox.records() == {
        **ALL_REGISTERED,
        "churn-v4/config.json 1": "Ignored Superseded",
        "churn-v4/config.json 2": "Registered",
    }


def test_an_older_event_that_comes_late_does_not_bring_the_older_object_back(
    inbox: Inbox,
) -> None:
    older = inbox.push(CONFIG, a_config(instance_count=1))
    newer = inbox.push(CONFIG, a_config(instance_count=3))
    inbox.deliver(newer, older, inbox.push(MODEL), inbox.push(EVALUATION))

    (manifest,) = [body for key, body in inbox.vault().items() if key.endswith("manifest.json")]
    assert json.loads(manifest)["config"]["instance_count"] == 3
    assert inbox.records()["churn-v4/config.json 1"] == "Ignored Superseded"


def test_an_object_overwritten_after_registration_is_refused_and_changes_nothing(
    inbox: Inbox, told: Callable[[], list[str]]
) -> None:
    inbox.deliver(*inbox.push_folder())
    vault, (package,) = inbox.vault(), inbox.packages()

    inbox.deliver(inbox.push(CONFIG, a_config(instance_count=3)))

    assert inbox.records()["churn-v4/config.json 2"] == "Rejected AlreadyRegistered"
    assert inbox.records()["churn-v4/config.json 1"] == "Registered"
    assert inbox.vault() == vault
    assert [one["ModelPackageArn"] for one in inbox.packages()] == [package["ModelPackageArn"]]
    assert "push to a new -v{N}" in told()[-1]


def test_people_are_told_once_that_a_release_waits_for_approval(
    inbox: Inbox, told: Callable[[], list[str]]
) -> None:
    events = inbox.push_folder()

    inbox.deliver(*events, *events)

    (message,) = told()
    assert message.startswith("churn-v4 is registered as version 1")
    assert inbox.packages()[0]["ModelPackageArn"] in message


def test_people_are_told_of_copies_that_nobody_read(
    inbox: Inbox, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.domain.vault.STREAM_LIMIT", len(WEIGHTS) - 1)

    inbox.deliver(*inbox.push_folder())

    (message,) = told()
    assert "model.tar.gz were compared by S3's part checks alone." in message


def test_receipts_expire_four_hundred_days_after_their_event(inbox: Inbox) -> None:
    inbox.deliver(*inbox.push_folder())

    expiries = {item["expires_at"] for item in inbox.ledger() if item["sk"] == "RECORD"}

    assert expiries == {1777816800 + 400 * 86_400}


def test_what_was_registered_can_be_read_back_from_the_vault(inbox: Inbox) -> None:
    inbox.deliver(*inbox.push_folder())
    (release,) = inbox.releases()
    kept = inbox.vault()[release["manifest_uri"].removeprefix(f"s3://{BUCKET}/")]

    manifest = parse_manifest(kept.decode(), digest=release["digest"])

    assert manifest.target == "churn"
    assert manifest.image.endswith(
        inbox.packages()[0]["InferenceSpecification"]["Containers"][0]["Image"].rpartition("@")[2]
    )
