"""Version folders whose model is a folder of files."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.artifacts import Artifacts
from sluice.adapters.ledger.intake import Intake
from sluice.domain.inbox import CONFIG, MODEL, Place, locate
from sluice.domain.noted import Noted
from tests.builders import BUCKET, an_upload
from tests.integration.faults import CLAIMED, MOST_CALLS, Crash, meetings
from tests.integration.unpacked import FILES, listed, push_config, push_unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.table import Table
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")
MANY = {f"model/shard-{one:03}-of-101.bin": b"s" for one in range(101)}
"""More than a transaction has operations."""


def test_a_folder_of_files_registers_as_a_prefix_of_the_vault(inbox: Inbox) -> None:
    assert inbox.deliver(*push_unpacked(inbox)) == []

    assert set(inbox.records().values()) == {"Registered"}
    (package,) = inbox.packages()
    (container,) = package["InferenceSpecification"]["Containers"]
    source = container["ModelDataSource"]["S3DataSource"]
    assert (source["S3DataType"], source["CompressionType"]) == ("S3Prefix", "None")
    assert source["S3Uri"].endswith("/model/")
    assert "ModelDataUrl" not in container
    prefix = source["S3Uri"].removeprefix(f"s3://{BUCKET}/")
    loaded = {key: body for key, body in inbox.vault().items() if key.startswith(prefix)}
    assert loaded == {f"{prefix}{name.removeprefix('model/')}": FILES[name] for name in FILES}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whatever_comes_last_completes_the_folder(inbox: Inbox, order: tuple[int, ...]) -> None:
    events = push_unpacked(inbox, {"model/weights.bin": b"w"})

    for number in order:
        assert inbox.releases() == []
        assert inbox.deliver(events[number]) == []

    assert set(inbox.records().values()) == {"Registered"}
    assert len(inbox.packages()) == 1


@pytest.mark.parametrize("config_first", [True, False])
def test_a_file_of_another_size_is_refused_and_its_correction_taken_up(
    inbox: Inbox, config_first: bool
) -> None:
    *files, config, evaluation = push_unpacked(inbox)
    wrong = inbox.push("model/weights-1.bin", b"w" * 899)
    first, then = ([config], [wrong]) if config_first else ([wrong], [config])

    assert inbox.deliver(evaluation, *files[:2], *files[3:], *first, *then) == []

    assert inbox.records()["churn-v4/model/weights-1.bin 2"] == "Rejected FileMismatch"
    assert inbox.details()["weights-1.bin"] == (
        "model/weights-1.bin has 899 bytes, config.json lists 900"
    )
    assert inbox.releases() == []
    inbox.deliver(inbox.push("model/weights-1.bin", b"w" * 900))
    assert inbox.records()["churn-v4/model/weights-1.bin 3"] == "Registered"


def test_a_corrected_list_takes_up_the_file_that_was_refused(inbox: Inbox) -> None:
    *files, _, evaluation = push_unpacked(inbox)
    inbox.deliver(*files, evaluation, push_config(inbox, listed(**{"weights-1.bin": 1})))
    assert inbox.records()["churn-v4/model/weights-1.bin 1"] == "Rejected FileMismatch"

    inbox.deliver(push_config(inbox, listed()))

    said = inbox.records()
    assert said["churn-v4/model/weights-1.bin 1"] == "Registered"
    assert len(inbox.packages()) == 1


def test_files_that_nobody_lists_are_left_out_and_reported(inbox: Inbox) -> None:
    before = inbox.push("model/notes.txt", b"early")
    inbox.deliver(before, *push_unpacked(inbox))

    inbox.deliver(inbox.push("model/late.txt", b"late"))

    said = inbox.records()
    assert said["churn-v4/model/notes.txt 1"] == "Ignored NotNamed"
    assert said["churn-v4/model/late.txt 1"] == "Ignored NotNamed"
    assert not [key for key in inbox.vault() if key.endswith(".txt")]


@pytest.mark.parametrize("tar_ball_first", [True, False])
def test_a_tar_ball_beside_a_list_of_files_is_refused_until_one_is_chosen(
    inbox: Inbox, tar_ball_first: bool
) -> None:
    events, tar_ball = push_unpacked(inbox), inbox.push(MODEL)

    inbox.deliver(
        *([tar_ball, *events] if tar_ball_first else [*events[:-1], tar_ball, events[-1]])
    )

    assert inbox.records()["churn-v4/config.json 1"] == "Rejected TwoModels"
    assert inbox.releases() == []
    inbox.deliver(push_config(inbox, None))
    (package,) = inbox.packages()
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"].endswith("/model.tar.gz")


def test_a_config_that_lists_files_carries_the_labels(inbox: Inbox) -> None:
    inbox.deliver(push_config(inbox, listed(), metadata={"git-sha": "9f8d111"}))

    assert inbox.records() == {"churn-v4/config.json 1": "Rejected MissingMetadata"}
    said = inbox.details()[CONFIG]
    assert said == "config.json carries no metadata training-dataset-version"


def note(s3: Any, table: Table, events: list[Any]) -> None:
    """Files of a model are noted, each as its delivery does, at a hundredth of the cost."""
    intake = Intake(table)
    for event in events:
        told = event["detail"]["object"]
        upload = an_upload(key=told["key"], version_id=told["version-id"], sequencer="1")
        facts = Artifacts(s3).facts(BUCKET, upload.key, upload.version_id)
        place = locate(upload)
        assert isinstance(place, Place)
        intake.note(Noted(place=place, upload=upload, facts=facts))


def test_more_files_than_a_transaction_has_room_for_register_once(
    inbox: Inbox, table: Table, aws: Callable[[str], Any]
) -> None:
    *files, config, evaluation = push_unpacked(inbox, MANY)
    note(aws("s3"), table, files)

    assert inbox.deliver(config, evaluation) == []

    records = inbox.records()
    assert len(records) == len(MANY) + 2
    assert set(records.values()) == {"Registered"}
    assert len(inbox.packages()) == 1
    assert len([key for key in inbox.vault() if "/model/" in key]) == len(MANY)


def all_but_one(inbox: Inbox, files: dict[str, bytes], *later: dict[str, bytes]) -> list[Any]:
    """Of a whole folder the last event is not delivered: it, and those of what is pushed later."""

    def push() -> list[Any]:
        *before, last = push_unpacked(inbox, files)
        inbox.deliver(*before)
        return [last, *(inbox.push(name, body) for one in later for name, body in one.items())]

    return inbox.begin(push, files, later)


def test_a_crash_after_any_write_is_healed_by_the_next_delivery(
    faults: Faults, start_over: Callable[[], Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.capturing._AT_ONCE", 1)
    for number in range(MOST_CALLS):
        inbox = start_over()
        (last,) = all_but_one(inbox, {"model/a": b"a"})
        try:
            with faults.crash(number):
                inbox.deliver(last)
        except Crash:
            assert inbox.deliver(last) == []
            assert set(inbox.records().values()) == {"Registered"}
            assert len(inbox.packages()) == 1
        else:
            break
    assert number > 15  # the sweep went all the way through


def test_a_file_overwritten_at_any_call_is_in_the_version_or_accounted_for(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    def given() -> tuple[Inbox, list[Any]]:
        inbox = start_over()
        return inbox, all_but_one(
            inbox, {"model/weights.bin": b"old"}, {"model/weights.bin": b"new"}
        )

    seen = set()
    for inbox, _ in meetings(
        faults, given, ours=lambda p: [p[0]], rival=lambda p: [p[1]], until=CLAIMED + 7
    ):
        records = inbox.records()
        assert "Pending" not in records.values()
        name = "churn-v4/model/weights.bin"
        seen.add((records[f"{name} 1"], records[f"{name} 2"]))
        kept = {body for key, body in inbox.vault().items() if key.endswith("weights.bin")}
        newest = records[f"{name} 2"] == "Registered"
        assert kept == {b"new" if newest else b"old"}
    assert seen == {
        ("Ignored Superseded", "Registered"),
        ("Registered", "Rejected AlreadyRegistered"),
    }
