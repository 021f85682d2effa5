"""Bedrock configurations through crashes, races and lost events: one package, one number each."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import COMMIT
from tests.integration.configs import PROMPT, push_config, push_file
from tests.integration.faults import CLAIMED, MOST_CALLS, READING, Crash, meetings
from tests.integration.signing import assert_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.catalogue import Catalogue
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

pytestmark = [
    # Powertools warns of an invocation without a metric; one that crashed has none.
    pytest.mark.filterwarnings("ignore:No application metrics"),
    pytest.mark.usefixtures("catalogue"),
]
FOLDER = f"configs/{COMMIT}"
OTHER = "0" * 40


def assert_registered_once(inbox: Inbox, *, number: int = 1) -> None:
    (package,) = inbox.packages("assistant")
    (release,) = inbox.releases()
    assert release["package_arn"] == package["ModelPackageArn"]
    assert (release["capture"], release["name"]["version"]) == ("Registered", number)
    assert release["digest"] == package["CustomerMetadataProperties"]["release-digest"]
    assert set(inbox.records().values()) == {"Registered"}
    kept = f"releases/assistant/v{number}-{release['digest'][:12]}"
    vault = inbox.vault()
    assert vault[f"{kept}/prompts/rag-prompt-template.txt"] == PROMPT
    assert len(vault) == 5
    assert_signed(vault)


def test_a_crash_after_any_write_is_healed_by_the_next_delivery(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    for number in range(MOST_CALLS):
        inbox = start_over()
        pushed = push_config(inbox)
        inbox.deliver(*pushed[:2])
        try:
            with faults.crash(number):
                inbox.deliver(pushed[2])
        except Crash:
            assert inbox.deliver(*pushed) == []
            assert_registered_once(inbox)
        else:
            break
    assert 15 < number < MOST_CALLS - 1


def test_two_deliveries_that_meet_at_any_call_register_once(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    def given() -> tuple[Inbox, list[Any]]:
        inbox = start_over()
        pushed = push_config(inbox)
        inbox.deliver(*pushed[:2])
        return inbox, pushed

    for inbox, pushed in meetings(
        faults, given, ours=lambda p: [p[2]], rival=lambda p: [p[1], p[2], p[0]]
    ):
        assert inbox.deliver(*pushed) == []
        assert_registered_once(inbox)


def test_two_commits_that_become_complete_at_once_get_a_number_each(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    def given() -> tuple[Inbox, list[Any]]:
        inbox = start_over()
        ours, theirs = push_config(inbox), push_config(inbox, commit=OTHER)
        inbox.deliver(*ours[:2], *theirs[:2])
        return inbox, [ours[2], theirs[2]]

    orders = set()
    for inbox, _ in meetings(
        faults, given, ours=lambda p: p[:1], rival=lambda p: p[1:], until=CLAIMED + 4
    ):
        assert set(inbox.records().values()) == {"Registered"}
        numbers = {one["name"]["version"]: one for one in inbox.releases()}
        assert sorted(numbers) == [1, 2]
        assert len(inbox.packages("assistant")) == 2
        folders = {item["sk"]: item["release"] for item in inbox.ledger() if is_folder(item)}
        orders.add(folders[FOLDER]["version"])
        for name in folders.values():
            assert numbers[name["version"]]["name"] == name
    assert orders == {1, 2}


def told_now(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "time": datetime.now(UTC).isoformat()}


def is_folder(item: dict[str, Any]) -> bool:
    return bool(item["pk"] == "FOLDERS")


@pytest.mark.parametrize("lost", [[0], [1], [2], [0, 1, 2]], ids=str)
def test_a_file_whose_event_was_lost_is_registered_by_the_schedule(
    inbox: Inbox, lost: list[int]
) -> None:
    events = push_config(inbox)
    inbox.deliver(*(event for number, event in enumerate(events) if number not in lost))

    assert inbox.tick() == []
    offered = inbox.queued()
    assert inbox.deliver(*offered) == []

    assert len(offered) == len(lost)
    assert_registered_once(inbox)
    inbox.tick()
    assert inbox.queued() == []


def test_at_rest_the_schedule_writes_nothing_and_reads_little(inbox: Inbox, faults: Faults) -> None:
    for number in (1, 2, 3):
        inbox.deliver(*map(told_now, push_config(inbox, commit=f"{number:040x}")))
    inbox.deliver(*map(told_now, inbox.push_folder()))

    with faults.recorded() as calls:
        inbox.tick()

    assert all(call.startswith(READING) for call in calls)
    assert calls.count("ListObjectVersions") == 2  # one an inbox
    assert calls.count("Query") == 3  # a group each, and the claimed folders
    assert len(calls) == 6  # and the cursor


def test_a_large_inbox_is_read_in_parts_that_go_on_from_one_prefix_to_the_next(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.sweeping.PAGES", 1)
    push_config(inbox)
    inbox.push_folder()

    for _ in range(2):
        inbox.tick()
        inbox.deliver(*inbox.queued())

    assert set(inbox.records().values()) == {"Registered"}
    assert len(inbox.records()) == 6


def test_a_capture_that_everybody_gave_up_is_taken_up_again(inbox: Inbox, faults: Faults) -> None:
    *events, last = push_config(inbox)
    inbox.deliver(*events)
    with suppress(Crash), faults.crash_when("TransactWriteItems", succeeds=True):
        inbox.deliver(last)
    (claimed,) = inbox.releases()
    assert claimed["capture"] == "Claimed"

    inbox.tick(hours=24 * 365)
    inbox.deliver(*inbox.queued())

    assert_registered_once(inbox)


def test_a_group_of_models_takes_no_bedrock_configuration(
    inbox: Inbox, told: Callable[[], list[str]]
) -> None:
    inbox.deliver(*inbox.push_folder())

    assert inbox.deliver(*push_config(inbox, application="churn")) == []

    assert len(inbox.packages()) == 1
    assert inbox.records()[f"{FOLDER}/evaluation-results.json 1"] == "Rejected GroupTaken"
    assert "holds versions for SageMaker" in told()[-1]

    assert inbox.deliver(*push_config(inbox)) == []

    assert len(inbox.packages("assistant")) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_group_of_bedrock_configurations_takes_no_model(inbox: Inbox, version: int) -> None:
    inbox.deliver(*push_config(inbox))

    assert inbox.deliver(*inbox.push_folder(f"assistant-v{version}")) == []

    assert len(inbox.packages("assistant")) == 1
    taken = [one for one in inbox.records().values() if one == "Rejected GroupTaken"]
    assert len(taken) == (3 if version == 1 else 1)  # the folder is named like a release, or not


def test_an_artifact_deleted_while_its_folder_waited_ends_the_folder(
    inbox: Inbox, aws: Callable[[str], Any]
) -> None:
    config, prompt, evaluation = push_config(inbox)
    inbox.deliver(config, prompt)
    gone = prompt["detail"]["object"]
    bucket = prompt["detail"]["bucket"]["name"]
    aws("s3").delete_object(Bucket=bucket, Key=gone["key"], VersionId=gone["version-id"])

    assert inbox.deliver(evaluation) == []

    assert set(inbox.records().values()) == {"Rejected ArtifactGone"}
    assert inbox.packages("assistant") == []


def test_a_corrected_config_is_pinned_anew(inbox: Inbox, catalogue: Catalogue) -> None:
    catalogue.has_model("other.model-v1:0")
    push_config(inbox)
    corrected = push_config(inbox, model_id="other.model-v1:0")

    inbox.deliver(*corrected)

    (package,) = inbox.packages("assistant")
    assert package["CustomerMetadataProperties"]["base-model"] == "other.model-v1:0"
    inbox.deliver(push_file(inbox, "bedrock-config.json", {}))
    assert inbox.records()[f"{FOLDER}/bedrock-config.json 3"] == "Rejected AlreadyRegistered"
