"""From a push to a model package that waits for a person."""

import hashlib
import json
import os
from itertools import permutations

import pytest

from tests.e2e import folders
from tests.e2e.deliveries import UPLOADS, an_upload_event, losing, send_upload
from tests.e2e.folders import ALL_FILES, CONFIG, EVALUATION, MODEL
from tests.e2e.line import Line


def receipt_kind(line: Line, pushed: tuple[str, str]) -> str:
    """What became of a pushed object."""
    return str(line.ledger.receipt(line.stack.bucket, *pushed).get("kind", ""))


def until_receipt(line: Line, pushed: tuple[str, str], kind: str) -> dict[str, str]:
    """The receipt of a pushed object, once it is of this kind."""

    def look() -> dict[str, str] | None:
        found = line.ledger.receipt(line.stack.bucket, *pushed)
        return found if found.get("kind") == kind else None

    return line.until(f"{pushed[0]} is {kind}", look, minutes=5)


def test_a_pushed_folder_becomes_one_package_that_waits_for_a_person(churn: Line) -> None:
    pushed = churn.push(1)

    (package,) = churn.packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    said = package["CustomerMetadataProperties"]
    assert {name: said.get(name) for name in folders.METADATA} == folders.METADATA
    assert [receipt_kind(churn, one) for one in pushed.values()] == ["Registered"] * 3


def test_what_the_package_names_is_a_copy_of_the_bytes_that_were_pushed(churn: Line) -> None:
    pushed = churn.push(1)

    (container,) = churn.package(1)["InferenceSpecification"]["Containers"]
    bucket, _, vault_key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    key, version_id = pushed[MODEL]
    s3 = churn.stack.client("s3")
    original = s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"].read()
    captured = s3.get_object(Bucket=bucket, Key=vault_key)["Body"].read()
    assert vault_key.startswith(f"releases/{churn.name}/v1-")
    assert hashlib.sha256(captured).digest() == hashlib.sha256(original).digest()
    assert "@sha256:" in container["Image"]


@pytest.mark.parametrize("order", list(permutations(ALL_FILES)), ids=", ".join)
def test_the_order_of_arrival_does_not_matter(churn: Line, order: tuple[str, ...]) -> None:
    content, pushed = folders.folder(1), []
    for name in order:
        assert churn.packages() == []
        pushed.append(churn.upload(1, name, content[name]))
        until_receipt(churn, pushed[-1], "Registered" if name == order[-1] else "Pending")

    assert len(churn.packages()) == 1
    assert [receipt_kind(churn, one) for one in pushed] == ["Registered"] * 3


def test_an_incomplete_folder_waits_and_says_what_is_missing(churn: Line) -> None:
    content = folders.folder(1)
    config = churn.upload(1, CONFIG, content[CONFIG])
    waiting = until_receipt(churn, config, "Pending")
    assert MODEL in waiting["detail"]
    assert EVALUATION in waiting["detail"]

    evaluation = churn.upload(1, EVALUATION, content[EVALUATION])
    waiting = until_receipt(churn, evaluation, "Pending")
    assert waiting["detail"] == f"waits for {MODEL}"
    assert churn.packages() == []

    model = churn.upload(1, MODEL, content[MODEL])
    for one in (config, evaluation, model):
        until_receipt(churn, one, "Registered")
    assert len(churn.packages()) == 1


@pytest.mark.parametrize(
    ("name", "body", "reason", "named"),
    [
        pytest.param(CONFIG, b'{"image_uri": ', "MalformedJson", "config.json", id="no JSON"),
        pytest.param(
            CONFIG,
            json.dumps(folders.config(instance_count=0)).encode(),
            "InvalidConfig",
            "instance_count",
            id="a wrong field",
        ),
        pytest.param(
            CONFIG,
            json.dumps(folders.config(image_uri=folders.IMAGE_URI + "-none")).encode(),
            "ImageNotFound",
            "is not in ECR",
            id="an unknown image",
        ),
        pytest.param(MODEL, b"PK\x03\x04 a zip", "NotGzip", MODEL, id="no gzip"),
        pytest.param(EVALUATION, b"", "Empty", EVALUATION, id="an empty file"),
        pytest.param(
            EVALUATION,
            b'{"accuracy": 0.2}',
            "EvaluationBelowFloor",
            "its floor is 0.5",
            id="an evaluation below the floor",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason_and_a_corrected_one_registers(
    churn: Line, name: str, body: bytes, reason: str, named: str
) -> None:
    content = folders.folder(1)
    wrong = churn.upload(1, name, body)
    refused = until_receipt(churn, wrong, "Rejected")
    assert refused["reason"] == reason
    assert named in refused["detail"]

    others = [churn.upload(1, one, content[one]) for one in ALL_FILES if one != name]
    waiting = until_receipt(churn, others[-1], "Pending")
    assert f"a corrected {name}" in waiting["detail"]
    assert churn.packages() == []

    right = churn.upload(1, name, content[name])
    for one in (*others, right):
        until_receipt(churn, one, "Registered")
    assert len(churn.packages()) == 1
    assert receipt_kind(churn, wrong) == "Rejected"


def test_a_push_into_a_registered_folder_is_refused(churn: Line) -> None:
    churn.push(1)
    before = churn.package(1)["InferenceSpecification"]

    late = churn.upload(1, MODEL, folders.archive(folders.inference(99)))

    assert until_receipt(churn, late, "Rejected")["reason"] == "AlreadyRegistered"
    assert churn.package(1)["InferenceSpecification"] == before
    assert len(churn.packages()) == 1


def test_a_key_outside_a_version_folder_is_refused(churn: Line) -> None:
    stray = churn.upload(0, MODEL, b"anything", folder=churn.name)

    refused = until_receipt(churn, stray, "Rejected")

    assert refused["reason"] == "FolderName"
    assert churn.packages() == []


def test_an_object_deleted_before_anybody_looked_is_said_to_be_gone(churn: Line) -> None:
    with losing(churn, UPLOADS):
        key, version_id = churn.upload(1, MODEL, folders.folder(1)[MODEL])
        churn.stack.client("s3").delete_object(
            Bucket=churn.stack.bucket, Key=key, VersionId=version_id
        )
    send_upload(churn, an_upload_event(churn, key, version_id))

    assert until_receipt(churn, (key, version_id), "Rejected")["reason"] == "ArtifactGone"

    churn.push(1)
    assert len(churn.packages()) == 1


def test_uploads_whose_events_were_lost_are_registered_by_the_schedule(churn: Line) -> None:
    content = folders.folder(1)
    with losing(churn, UPLOADS):
        pushed = [churn.upload(1, name, content[name]) for name in ALL_FILES]

    churn.until("v1 is registered", lambda: churn.package_arn(1) or None, minutes=40)

    assert [receipt_kind(churn, one) for one in pushed] == ["Registered"] * 3
    assert len(churn.packages()) == 1


def test_a_model_of_several_parts_is_copied_whole_and_compared_byte_by_byte(
    churn: Line,
) -> None:
    large = folders.archive("") + os.urandom(70 * 2**20)
    content = {**folders.folder(1), MODEL: large}
    for name in ALL_FILES:
        churn.upload(1, name, content[name])
    churn.until("v1 is registered", lambda: churn.package_arn(1) or None, minutes=40)

    kept = {one["name"]: one for one in churn.ledger.captured(churn.name, 1)["copies"]}
    copy = churn.stack.client("s3").head_object(
        Bucket=churn.stack.bucket, Key=kept[MODEL]["key"], ChecksumMode="ENABLED"
    )
    assert (kept[MODEL]["size"], kept[MODEL]["compared"]) == (len(large), "Stream")
    assert copy["ETag"].endswith('-2"')
    assert copy["ChecksumType"] == "FULL_OBJECT"
    uploads = churn.stack.client("s3").list_multipart_uploads(Bucket=churn.stack.bucket)
    assert churn.name not in str(uploads.get("Uploads", []))
