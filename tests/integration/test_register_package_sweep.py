"""A lost event loses nothing: the schedule compares the inbox with the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import BUCKET, a_config
from tests.integration.faults import READING, Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.table import Table
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire


pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")
REGISTERED = {
    "churn-v4/model.tar.gz 1": "Registered",
    "churn-v4/config.json 1": "Registered",
    "churn-v4/evaluation-results.json 1": "Registered",
}


@pytest.mark.parametrize("lost", [[0], [1], [2], [0, 1], [0, 1, 2]], ids=str)
def test_an_upload_whose_event_was_lost_is_registered_by_the_schedule(
    inbox: Inbox, lost: list[int]
) -> None:
    events = inbox.push_folder()
    inbox.deliver(*(event for number, event in enumerate(events) if number not in lost))
    assert inbox.packages() == [] if inbox.releases() else True

    assert inbox.tick() == []
    offered = inbox.queued()
    assert inbox.deliver(*offered) == []

    assert len(offered) == len(lost)
    assert inbox.records() == REGISTERED
    assert len(inbox.packages()) == 1


def test_an_event_that_was_only_late_is_a_duplicate(inbox: Inbox, faults: Faults) -> None:
    events = inbox.push_folder()
    inbox.tick()
    inbox.deliver(*inbox.queued())
    before = inbox.ledger()

    with faults.recorded() as calls:
        assert inbox.deliver(*events) == []

    assert set(calls) == {"GetItem"}
    assert inbox.ledger() == before


def test_an_event_still_in_the_queue_is_not_raced(inbox: Inbox) -> None:
    inbox.push_folder()

    inbox.tick(hours=0.2)

    assert inbox.queued() == []


def test_at_rest_the_schedule_writes_nothing_and_reads_little(inbox: Inbox, faults: Faults) -> None:
    for folder in ("churn-v1", "churn-v2", "churn-v3", "fraud-v1"):
        inbox.deliver(*map(told_now, inbox.push_folder(folder)))
    inbox.deliver(inbox.push(MODEL, folder="fraud-v2"))

    with faults.recorded() as calls:
        inbox.tick()

    assert all(call.startswith(READING) for call in calls)
    assert calls.count("ListObjectVersions") == 2  # one an inbox
    assert calls.count("Query") == 3  # a group each, and the open folder
    assert len(calls) == 6  # and the cursor


def test_an_object_offered_once_is_not_offered_at_every_tick(inbox: Inbox) -> None:
    inbox.push(MODEL)
    offered = []
    for hours in (1, 1.1, 1.5, 2.1, 2.2, 3.5, 4.2, 4.3):
        inbox.tick(hours=hours)
        offered.append(len(inbox.queued()))

    assert offered == [1, 0, 0, 1, 0, 0, 1, 0]  # after an hour, then after two more


def test_an_object_nobody_can_handle_does_not_hold_back_the_others(
    inbox: Inbox, faults: Faults
) -> None:
    inbox.push(CONFIG, b"{", folder="broken-v1")
    inbox.push("model.tar.gz", folder="no folder of ours")
    inbox.push_folder()
    inbox.tick()

    with faults.refusing("DescribeImages", "AccessDeniedException"):
        again = inbox.deliver(*(offered := inbox.queued()))

    assert len(offered) == 5
    assert len(again) == 1
    inbox.deliver(*(offered[number] for number in again))
    assert inbox.records() == {
        **REGISTERED,
        "broken-v1/config.json 1": "Rejected MalformedJson",
        "no folder of ours/model.tar.gz 1": "Rejected FolderName",
    }


def test_a_record_nobody_can_read_does_not_hold_back_the_others(
    inbox: Inbox, aws: Callable[[str], Any]
) -> None:
    inbox.deliver(inbox.push(MODEL, folder="broken-v1"))
    aws("dynamodb").update_item(
        TableName="sluice-ledger",
        Key={"pk": {"S": "UPLOAD#models/broken-v1"}, "sk": {"S": MODEL}},
        UpdateExpression="SET noted = :nonsense",
        ExpressionAttributeValues={":nonsense": {"S": "{"}},
    )
    inbox.push_folder()

    assert inbox.tick() == [0]  # and so it is delivered again, and at last seen by people
    inbox.deliver(*inbox.queued())

    assert {**inbox.records(), **REGISTERED} == inbox.records()


def test_a_release_nobody_can_read_about_keeps_its_folder_alone(inbox: Inbox, table: Table) -> None:
    inbox.deliver(*inbox.push_folder("churn-v3"))
    inbox.push_folder("churn-v4")
    put = {":c": "Unheard"}
    table.write(table.update("RELEASE#churn", "V#000003", "SET capture = :c", values=put))

    assert inbox.tick() == [0]
    offered = inbox.queued()
    inbox.deliver(*offered)

    assert len(offered) == len(REGISTERED)
    assert {**inbox.records(), **REGISTERED} == inbox.records()


def test_a_large_inbox_is_read_in_parts_that_together_reach_everything(
    inbox: Inbox, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.sweeping.PAGES", 2)
    _list_pages_of(monkeypatch, 7)
    for number in range(1, 21):
        inbox.push("code/pre.py", b"x", folder=f"group{number % 5}-v{number}")
    runs, offered = 0, list[str]()
    while runs == 0 or (stopped_at(inbox) and runs < 9):
        with faults.recorded() as calls:
            inbox.tick()
        assert calls.count("ListObjectVersions") <= 2
        offered += inbox.queued()
        runs += 1

    assert runs == 2
    assert len(offered) == len(set(offered)) == 20


def test_a_run_that_died_before_its_offers_were_written_down_loses_none(
    inbox: Inbox, faults: Faults
) -> None:
    inbox.push_folder()
    for number in range(4):
        with pytest.raises(Crash), faults.crash(number):
            inbox.tick(hours=1 + number * 100)
        inbox.tick(hours=50 + number * 100)
        offered = inbox.queued()
        assert len(set(offered)) >= 3
    inbox.deliver(*offered)

    assert inbox.records() == REGISTERED


def test_an_object_overwritten_unheard_of_counts_as_it_is_now(inbox: Inbox) -> None:
    inbox.deliver(inbox.push(CONFIG, a_config(instance_count=1)), inbox.push(MODEL))
    inbox.push(CONFIG, a_config(instance_count=3))
    inbox.push(EVALUATION)

    inbox.tick()
    inbox.deliver(*inbox.queued())

    assert inbox.records() == {
        **REGISTERED,
        "churn-v4/config.json 1": "Ignored Superseded",
        "churn-v4/config.json 2": "Registered",
    }


def test_a_push_into_a_registered_folder_is_refused_though_its_event_was_lost(
    inbox: Inbox, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.deliver(*inbox.push_folder())  # claimed at its events' time, long before now
    inbox.push(CONFIG, a_config(instance_count=3))

    inbox.tick()
    inbox.deliver(*inbox.queued())

    assert inbox.records()["churn-v4/config.json 2"] == "Rejected AlreadyRegistered"
    assert "push to a new -v{N}" in told()[-1]


def test_a_capture_that_everybody_gave_up_is_taken_up_again(inbox: Inbox, faults: Faults) -> None:
    events = list(map(told_now, inbox.push_folder()))
    with faults.refusing("CreateModelPackage", "AccessDeniedException"):
        assert inbox.deliver(*events) == [2]  # and again, until it is a dead letter

    inbox.tick(hours=3)
    (offered,) = inbox.queued()
    assert inbox.deliver(offered) == []

    assert inbox.records() == REGISTERED
    assert len(inbox.packages()) == 1


def test_a_complete_folder_that_nobody_could_claim_is_taken_up_again(
    inbox: Inbox, faults: Faults
) -> None:
    *others, last = inbox.push_folder()
    inbox.deliver(*others)
    with faults.refusing("Query", "AccessDeniedException"):
        assert inbox.deliver(last) == [0]  # and again, until it is a dead letter

    inbox.tick(hours=1)
    assert inbox.queued() == []
    inbox.tick(hours=3)
    assert inbox.deliver(*inbox.queued()) == []

    assert inbox.records() == REGISTERED
    assert len(inbox.packages()) == 1


def test_ten_thousand_objects_at_rest_cost_ten_lists_and_a_query(inbox: Inbox, wire: Wire) -> None:
    inbox.deliver(*map(told_now, inbox.push_folder()))
    written = datetime.now(UTC) - timedelta(hours=1)
    for page in range(10):
        wire.once(
            "ListObjectVersions",
            IsTruncated=True,
            NextKeyMarker=f"models/churn-v4/{page}",
            NextVersionIdMarker="v",
            Versions=[
                {"Key": f"models/churn-v4/{page}-{number}", "VersionId": "v", "IsLatest": True}
                | {"LastModified": written}
                for number in range(1_000)
            ],
        )
    wire.asked.clear()

    inbox.tick()

    operations = [operation for operation, _ in wire.asked]
    assert operations.count("ListObjectVersions") == 10
    assert operations.count("Query") == 1
    assert operations[-1] == "PutItem"  # the cursor: there is more than one run reads
    assert len(operations) == 13
    assert stopped_at(inbox) == "models/churn-v4/9"
    wire.asked.clear()

    inbox.tick()

    assert wire.calls("ListObjectVersions")
    assert stopped_at(inbox) == ""


def test_what_was_deleted_from_the_inbox_is_not_offered(
    inbox: Inbox, aws: Callable[[str], Any]
) -> None:
    inbox.push(MODEL)
    aws("s3").delete_object(Bucket=BUCKET, Key="models/churn-v4/model.tar.gz")

    inbox.tick()

    assert inbox.queued() == []


def told_now(event: dict[str, Any]) -> dict[str, Any]:
    """The event at the time at which its object was written."""
    return {**event, "time": datetime.now(UTC).isoformat()}


def stopped_at(inbox: Inbox) -> str:
    return next((str(one["key"]) for one in inbox.ledger() if one["sk"] == "CURSOR"), "")


def _list_pages_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    from moto.s3.models import S3Backend

    listed = S3Backend.list_object_versions

    def list_few(self: Any, *args: Any, **kwargs: Any) -> Any:
        return listed(self, *args, **{**kwargs, "max_keys": min(size, kwargs["max_keys"])})

    monkeypatch.setattr(S3Backend, "list_object_versions", list_few)
