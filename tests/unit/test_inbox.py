"""Where an upload lies, which version of an object counts, and what an event tells of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.inbox import INBOXES, Place, Upload, locate
from sluice.domain.noted import newer
from sluice.domain.receipt import Kind, Receipt
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import System
from sluice.events.triggers import Tick
from sluice.events.uploads import Origin, offer_of, parse_arrival
from tests.builders import (
    ACCOUNT,
    BUCKET,
    REGION,
    a_noted,
    a_release_name,
    an_event,
    an_upload,
    some_facts,
)

ORIGIN = Origin(ACCOUNT, REGION, BUCKET)


@pytest.mark.parametrize(
    ("key", "folder", "name"),
    [
        ("models/churn-v4/model.tar.gz", "churn-v4", "model.tar.gz"),
        ("models/fine-tuned-llama-v1/config.json", "fine-tuned-llama-v1", "config.json"),
        ("models/churn-v2-v10/code/pre.py", "churn-v2-v10", "code/pre.py"),
        ("models/a-v999999/x", "a-v999999", "x"),
        ("models/churn-v4/file with + and %20", "churn-v4", "file with + and %20"),
    ],
)
def test_a_key_names_a_place_byte_for_byte(key: str, folder: str, name: str) -> None:
    place = locate(an_upload(key=key))

    assert place == Place(release=a_release_name(folder), name=name)
    assert isinstance(place, Place)
    assert place.folder == f"models/{folder}"
    assert place.system is System.SAGEMAKER


@pytest.mark.parametrize(
    ("key", "commit", "name"),
    [
        ("configs/9f8d111/bedrock-config.json", "9f8d111", "bedrock-config.json"),
        (f"configs/{'a' * 64}/prompts/x y.txt", "a" * 64, "prompts/x y.txt"),
    ],
)
def test_a_key_of_a_bedrock_configuration_names_a_commit(key: str, commit: str, name: str) -> None:
    place = locate(an_upload(key=key))

    assert place == Place(commit=commit, name=name)
    assert isinstance(place, Place)
    assert place.folder == f"configs/{commit}"
    assert place.system is System.BEDROCK


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        pytest.param("releases/churn/v4-abc/model.tar.gz", Reason.NOT_INBOX, id="the vault"),
        pytest.param("readme.md", Reason.NOT_INBOX, id="the bucket's root"),
        pytest.param("Models/churn-v4/x", Reason.NOT_INBOX, id="another spelling"),
        pytest.param("models/churn-v4/", Reason.FOLDER_MARKER, id="a folder marker"),
        pytest.param("models/", Reason.FOLDER_MARKER, id="the inbox's marker"),
        pytest.param("models/model.tar.gz", Reason.FOLDER_NAME, id="no folder"),
        pytest.param("models/churn-v4", Reason.FOLDER_NAME, id="a file named like a folder"),
        pytest.param("models/churn/model.tar.gz", Reason.FOLDER_NAME, id="no version"),
        pytest.param("models/churn-v04/model.tar.gz", Reason.FOLDER_NAME, id="a leading zero"),
        pytest.param("models/churn-v0/model.tar.gz", Reason.FOLDER_NAME, id="version zero"),
        pytest.param("models/churn-v1000000/x", Reason.FOLDER_NAME, id="too many versions"),
        pytest.param("models/churn-v-4/x", Reason.FOLDER_NAME, id="a negative version"),
        pytest.param("models/churn-v٤/x", Reason.FOLDER_NAME, id="other people's digits"),
        pytest.param("models/churn_x-v4/x", Reason.FOLDER_NAME, id="no group's name"),
        pytest.param("models/-v4/x", Reason.FOLDER_NAME, id="no group"),
        pytest.param("models/chürn-v4/x", Reason.FOLDER_NAME, id="an umlaut"),
        pytest.param("models/churn-v4\n/x", Reason.FOLDER_NAME, id="a line break"),
        pytest.param(f"models/{'a' * 64}-v4/x", Reason.FOLDER_NAME, id="too long a group"),
        pytest.param("models//churn-v4/x", Reason.FOLDER_NAME, id="an empty folder"),
        pytest.param("models/churn-v4/code/", Reason.FOLDER_MARKER, id="a marker inside"),
        pytest.param("configs/", Reason.FOLDER_MARKER, id="the other inbox's marker"),
        pytest.param("configs/x.json", Reason.FOLDER_NAME, id="no commit's folder"),
        pytest.param("configs/main/x", Reason.FOLDER_NAME, id="a branch"),
        pytest.param("configs/9f8d11/x", Reason.FOLDER_NAME, id="too short a commit"),
        pytest.param("configs/9F8D111/x", Reason.FOLDER_NAME, id="a commit in capitals"),
        pytest.param(f"configs/{'a' * 65}/x", Reason.FOLDER_NAME, id="too long a commit"),
        pytest.param("configs/9f8d111\n/x", Reason.FOLDER_NAME, id="a commit and a line break"),
    ],
)
def test_a_key_that_names_no_place_is_told_why(key: str, reason: Reason) -> None:
    refusal = locate(an_upload(key=key))

    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason


@pytest.mark.parametrize("version_id", ["", "null"])
def test_an_object_without_versions_is_refused(version_id: str) -> None:
    refusal = locate(an_upload(version_id=version_id))

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.VERSIONING_OFF


@given(st.text())
def test_no_key_is_beyond_us(key: str) -> None:
    for inbox in INBOXES:
        assert isinstance(locate(an_upload(key=f"{inbox}{key}")), Place | Refusal)


@pytest.mark.parametrize(
    ("sequencer", "standing", "wins"),
    [
        pytest.param("11", "10", True, id="later"),
        pytest.param("0F", "10", False, id="earlier"),
        pytest.param("100", "FF", True, id="longer, though it sorts first as text"),
        pytest.param("0a", "A", False, id="the same number, spelled otherwise"),
        pytest.param("617f08299329d189", "617f08299329d18a", False, id="as S3 spells them"),
    ],
)
def test_the_sequencer_orders_versions_of_one_object(
    sequencer: str, standing: str, *, wins: bool
) -> None:
    ours = a_noted("config.json", upload=an_upload(sequencer=sequencer))
    theirs = a_noted("config.json", upload=an_upload(sequencer=standing))

    assert newer(ours, theirs) is wins


@given(st.integers(0, 2**80), st.integers(0, 2**80))
def test_sequencers_compare_as_numbers(ours: int, theirs: int) -> None:
    first = a_noted("x", upload=an_upload(sequencer=f"{ours:x}"))
    second = a_noted("x", upload=an_upload(sequencer=f"{theirs:X}"))

    assert newer(first, second) == (ours > theirs)


@pytest.mark.parametrize("current", [True, False])
def test_what_the_schedule_found_is_newer_if_s3_says_it_is_current(*, current: bool) -> None:
    # A multipart upload that began before the other was written, and ended after it.
    earlier = some_facts(last_modified="2026-05-03T13:00:00Z")
    found = an_upload(version_id="found", sequencer="", offered=True)
    ours = a_noted("x", upload=found, facts=earlier, current=current)
    theirs = a_noted("x", upload=an_upload(version_id="told", sequencer="ff"))

    assert newer(ours, theirs) is current
    assert not newer(ours, ours)


def test_an_event_that_comes_after_the_schedule_wins_if_its_object_was_written_later() -> None:
    found = a_noted("x", upload=an_upload(version_id="found", sequencer=""), current=True)
    late = some_facts(last_modified="2026-05-03T14:00:01Z")
    told = a_noted("x", upload=an_upload(version_id="told", sequencer="ff"), facts=late)

    assert newer(told, found)
    assert not newer(told.model_copy(update={"facts": found.facts}), found)


def test_an_object_we_offer_is_read_as_we_wrote_it() -> None:
    upload = an_upload(offered=True, sequencer="")

    assert parse_arrival(message(offer_of(upload)), ORIGIN) == upload


def test_the_schedule_comes_through_the_same_queue() -> None:
    event = an_event("events_scheduled")

    assert parse_arrival(message(event), ORIGIN) == Tick(datetime.fromisoformat(event["time"]))


def message(event: Any) -> SQSRecord:
    body = event if isinstance(event, str) else json.dumps(event)
    attributes = {"SentTimestamp": "1777816800000"}
    return SQSRecord({"messageId": "m-1", "body": body, "attributes": attributes})


@pytest.mark.parametrize("name", ["s3_object_created", "s3_object_created_before_event_version"])
def test_an_event_tells_of_one_version_of_one_object(name: str) -> None:
    event = an_event(name)

    upload = parse_arrival(message(event), ORIGIN)

    assert isinstance(upload, Upload)
    assert upload.key == event["detail"]["object"]["key"]
    assert upload.identity == f"{BUCKET}/{upload.key}@IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert upload.at.isoformat() == "2026-05-03T14:00:00+00:00"


def test_a_key_is_not_decoded() -> None:
    event = an_event("s3_object_created")
    event["detail"]["object"]["key"] = "models/churn-v4/a+b%20c"

    upload = parse_arrival(message(event), ORIGIN)

    assert isinstance(upload, Upload)
    assert upload.key == "models/churn-v4/a+b%20c"


def test_an_event_without_a_version_id_is_still_an_input_of_its_own() -> None:
    event = an_event("s3_object_created")
    del event["detail"]["object"]["version-id"]

    upload = parse_arrival(message(event), ORIGIN)

    assert isinstance(upload, Upload)
    assert upload.identity.endswith("@sequencer-617f08299329d189")


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda event: event.update(account="999999999999"), id="account"),
        pytest.param(lambda event: event.update(region="eu-west-1"), id="Region"),
        pytest.param(lambda event: event["detail"]["bucket"].update(name="theirs"), id="bucket"),
    ],
)
def test_a_foreign_event_cannot_end_the_input_it_imitates(forge: Any) -> None:
    event = an_event("s3_object_created")
    genuine = parse_arrival(message(event), ORIGIN)
    forge(event)

    receipt = parse_arrival(message(event), ORIGIN)

    assert isinstance(receipt, Receipt)
    assert (receipt.kind, receipt.reason) == (Kind.IGNORED, Reason.FOREIGN_EVENT)
    assert receipt.identity != genuine.identity


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("not JSON", id="not JSON"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("{}", id="no event"),
        pytest.param({**an_event("s3_object_created"), "source": "com.evil"}, id="source"),
        pytest.param({**an_event("s3_object_created"), "detail-type": "Object Deleted"}, id="type"),
        pytest.param({**an_event("s3_object_created"), "time": "yesterday"}, id="time"),
    ],
)
def test_a_message_that_is_no_upload_is_recorded_under_its_own_id(body: Any) -> None:
    receipt = parse_arrival(message(body), ORIGIN)

    assert isinstance(receipt, Receipt)
    assert (receipt.kind, receipt.reason) == (Kind.IGNORED, Reason.UNREADABLE_EVENT)
    assert receipt.identity == "message/m-1"
    assert receipt.at.year == 2026
