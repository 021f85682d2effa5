"""What `register_package` does not take up, and what whoever pushed it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import BUCKET, METADATA, REPOSITORY, WEIGHTS, a_config, an_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        pytest.param(MODEL, b"", "Empty", id="an empty model"),
        pytest.param(MODEL, b"PK\x03\x04", "NotGzip", id="a zip file"),
        pytest.param(MODEL, b"\x1f", "NotGzip", id="one byte"),
        pytest.param(CONFIG, b"", "Empty", id="an empty config"),
        pytest.param(CONFIG, b"{" * 100_000, "TooLarge", id="a huge config"),
        pytest.param(CONFIG, b"[" * 60_000, "MalformedJson", id="a deep config"),
        pytest.param(CONFIG, b'{"a": 1, "a": 2}', "MalformedJson", id="a name twice"),
        pytest.param(CONFIG, b"\xff\xfe{\x00}\x00", "MalformedJson", id="UTF-16"),
        pytest.param(CONFIG, {"image_uri": "x"}, "InvalidConfig", id="no instance type"),
        pytest.param(
            CONFIG,
            a_config(rollout={"strategy": "guardrail"}),
            "Strategy",
            id="guardrail on instances",
        ),
        pytest.param(CONFIG, a_config(multi_model={}), "MultiModel", id="a multi-model endpoint"),
        pytest.param(
            CONFIG, a_config(image_uri="python:3.13"), "ImageNotOurs", id="somebody's image"
        ),
        pytest.param(
            CONFIG, a_config(image_uri=f"{REPOSITORY}:9"), "ImageNotFound", id="no such tag"
        ),
        pytest.param(
            CONFIG,
            a_config(image_uri=f"{REPOSITORY}@sha256:{'0' * 64}"),
            "ImageNotFound",
            id="no such digest",
        ),
        pytest.param(
            CONFIG,
            a_config(image_uri=f"{REPOSITORY}/other:1.4"),
            "ImageNotFound",
            id="no such repository",
        ),
        pytest.param(EVALUATION, b'{"accuracy": NaN}', "MalformedJson", id="NaN"),
        pytest.param(EVALUATION, {}, "InvalidEvaluation", id="an evaluation of nothing"),
        pytest.param(EVALUATION, {"accuracy": 0.79}, "EvaluationBelowFloor", id="a bad model"),
        pytest.param(EVALUATION, {"f1": 0.99}, "EvaluationBelowFloor", id="no accuracy"),
        pytest.param(EVALUATION, b"1" * 200_000, "TooLarge", id="a huge evaluation"),
    ],
)
def test_a_refused_object_holds_the_folder_until_a_corrected_one_is_pushed(
    inbox: Inbox, told: Callable[[], list[str]], name: str, body: Any, reason: str
) -> None:
    others = [inbox.push(other) for other in (MODEL, CONFIG, EVALUATION) if other != name]
    bad = inbox.push(name, body)

    assert inbox.deliver(others[0], bad, others[1], bad) == []

    assert inbox.records()[f"churn-v4/{name} 1"] == f"Rejected {reason}"
    assert list(inbox.records().values()).count("Pending") == 2
    assert f"a corrected {name}" in "".join(inbox.details().values())
    assert inbox.releases() == []
    assert inbox.vault() == {}
    (message,) = told()
    assert message.startswith(f"models/churn-v4/{name} is refused: ")

    assert inbox.deliver(inbox.push(name)) == []

    assert len(inbox.packages()) == 1
    assert inbox.records()[f"churn-v4/{name} 1"] == f"Rejected {reason}"
    assert inbox.records()[f"churn-v4/{name} 2"] == "Registered"


def test_weights_without_a_commit_are_refused(inbox: Inbox) -> None:
    metadata = {name: value for name, value in METADATA.items() if name != "git-sha"}

    inbox.deliver(inbox.push(MODEL, WEIGHTS, **metadata))

    assert inbox.records() == {"churn-v4/model.tar.gz 1": "Rejected MissingMetadata"}
    assert "git-sha" in inbox.details()["model.tar.gz"]


def test_a_group_too_long_for_an_endpoint_must_name_one(inbox: Inbox) -> None:
    folder = f"{'g' * 50}-v1"

    inbox.deliver(inbox.push(CONFIG, folder=folder))
    inbox.deliver(inbox.push(CONFIG, a_config(endpoint_name="short"), folder=folder))

    assert inbox.records() == {
        f"{folder}/config.json 1": "Rejected InvalidConfig",
        f"{folder}/config.json 2": "Pending",
    }


@pytest.mark.parametrize(
    ("key", "record"),
    [
        ("models/churn/model.tar.gz", "Rejected FolderName"),
        ("models/churn-v04/model.tar.gz", "Rejected FolderName"),
        ("models/model.tar.gz", "Rejected FolderName"),
        ("models/churn-v4/", "Ignored FolderMarker"),
        ("readme/9f8d111/x.json", "Ignored NotInbox"),
        ("models/churn-v4/ü + %2F & \t.json", "Pending"),
    ],
)
def test_every_key_ends_in_a_record(inbox: Inbox, key: str, record: str) -> None:
    assert inbox.deliver(inbox.put(key, b"{}")) == []

    assert inbox.records() == {f"{key.removeprefix('models/')} 1": record}


def test_an_event_without_a_version_is_refused(inbox: Inbox, told: Callable[[], list[str]]) -> None:
    event = inbox.push(MODEL)
    del event["detail"]["object"]["version-id"]

    inbox.deliver(event)

    assert list(inbox.records().values()) == ["Rejected VersioningOff"]
    assert "versioning" in told()[0]


def test_an_artifact_deleted_before_it_was_seen_is_refused(
    inbox: Inbox, aws: Callable[[str], Any]
) -> None:
    events = inbox.push_folder()
    gone = events[0]["detail"]["object"]
    aws("s3").delete_object(Bucket=BUCKET, Key=gone["key"], VersionId=gone["version-id"])

    assert inbox.deliver(*events) == []

    assert inbox.records() == {
        f"churn-v4/model.tar.gz {gone['version-id']}": "Rejected ArtifactGone",
        "churn-v4/config.json 1": "Pending",
        "churn-v4/evaluation-results.json 1": "Pending",
    }


def test_a_delete_marker_does_not_hide_the_version_that_was_pushed(
    inbox: Inbox, aws: Callable[[str], Any]
) -> None:
    events = inbox.push_folder()
    aws("s3").delete_object(Bucket=BUCKET, Key=events[0]["detail"]["object"]["key"])

    inbox.deliver(*events)

    assert len(inbox.packages()) == 1


def test_an_artifact_deleted_while_its_folder_waited_ends_the_folder(
    inbox: Inbox, aws: Callable[[str], Any], told: Callable[[], list[str]]
) -> None:
    model, config, evaluation = inbox.push_folder()
    inbox.deliver(model, config)
    gone = model["detail"]["object"]
    aws("s3").delete_object(Bucket=BUCKET, Key=gone["key"], VersionId=gone["version-id"])

    assert inbox.deliver(evaluation) == []

    assert set(inbox.records().values()) == {"Rejected ArtifactGone"}
    assert len(inbox.records()) == 3
    assert inbox.packages() == []
    assert inbox.open_uploads() == []
    assert len(told()) == 1
    assert "new -v{N}" in told()[0]


def test_messages_that_are_no_uploads_are_recorded_and_not_delivered_again(inbox: Inbox) -> None:
    foreign = an_event("s3_object_created")
    foreign["detail"]["bucket"]["name"] = "somebody-elses"

    assert inbox.deliver("not JSON", foreign, inbox.push(MODEL)) == []
    assert inbox.deliver("not JSON", foreign) == []

    assert sorted(inbox.records().values()) == [
        "Ignored ForeignEvent",
        "Ignored UnreadableEvent",
        "Pending",
    ]


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        pytest.param("HeadObject", "403", 403, id="S3 denies"),
        pytest.param("GetObject", "AccessDenied", 403, id="S3 denies reading"),
        pytest.param("GetObject", "KMS.DisabledException", 400, id="the key is disabled"),
        pytest.param("Sign", "ThrottlingException", 400, id="KMS throttles"),
        pytest.param("Sign", "AccessDeniedException", 400, id="KMS denies signing"),
        pytest.param("Sign", "DisabledException", 400, id="the signing key is disabled"),
        pytest.param("Sign", "KMSInvalidStateException", 400, id="the signing key is to go"),
        pytest.param("UploadPartCopy", "AccessDenied", 403, id="the key denies copying"),
        pytest.param("DescribeImages", "AccessDeniedException", 400, id="ECR denies"),
        pytest.param("CreateModelPackage", "AccessDeniedException", 400, id="SageMaker denies"),
        pytest.param("CreateModelPackage", "ResourceLimitExceeded", 400, id="a quota"),
        pytest.param("PutItem", "AccessDeniedException", 400, id="DynamoDB denies"),
        pytest.param("PutEvents", "AccessDeniedException", 400, id="EventBridge denies"),
        pytest.param("Publish", "KMSAccessDenied", 400, id="SNS's key denies"),
        pytest.param("UploadPartCopy", "SlowDown", 503, id="S3 throttles, whatever the SDK tries"),
        pytest.param("CreateModelPackage", "ThrottlingException", 400, id="SageMaker throttles"),
    ],
)
def test_what_may_work_later_is_delivered_again_and_never_refused(
    inbox: Inbox, faults: Faults, operation: str, code: str, status: int
) -> None:
    events = inbox.push_folder()
    with faults.refusing(operation, code, status=status):
        again = inbox.deliver(*events)
    assert again
    assert not {"Rejected", "Failed"} & {record.split()[0] for record in inbox.records().values()}
    assert inbox.open_uploads() == []

    assert inbox.deliver(*(events[number] for number in again)) == []

    assert set(inbox.records().values()) == {"Registered"}
    assert len(inbox.packages()) == 1


def test_one_bad_message_does_not_hold_back_its_batch(inbox: Inbox, faults: Faults) -> None:
    events = inbox.push_folder()
    model = inbox.push(MODEL, folder="fraud-v1")

    with faults.refusing("DescribeImages", "AccessDeniedException"):
        assert inbox.deliver(events[0], events[1], model) == [1]

    assert inbox.records() == {
        "churn-v4/model.tar.gz 1": "Pending",
        "fraud-v1/model.tar.gz 1": "Pending",
    }


def test_a_package_sagemaker_calls_invalid_fails_and_calls_an_operator(
    inbox: Inbox, faults: Faults, told: Callable[[], list[str]]
) -> None:
    with faults.refusing("CreateModelPackage", "ValidationException"):
        assert inbox.deliver(*inbox.push_folder()) == []

    assert set(inbox.records().values()) == {"Failed RegistryRefused"}
    assert inbox.packages() == []
    assert "operator" in told()[0]


def test_other_bytes_in_the_vault_are_never_taken_for_ours(
    inbox: Inbox, aws: Callable[[str], Any], faults: Faults
) -> None:
    *others, last = inbox.push_folder()
    inbox.deliver(*others)
    with faults.refusing("CreateMultipartUpload", "AccessDenied", status=403):
        inbox.deliver(last)
    (release,) = inbox.releases()
    key = f"releases/churn/v4-{release['digest'][:12]}/model.tar.gz"
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x" * len(WEIGHTS))

    assert inbox.deliver(last) == []

    assert set(inbox.records().values()) == {"Failed VaultConflict"}
    assert inbox.packages() == []
