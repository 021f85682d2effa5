"""A capture that one invocation cannot finish: handed on by a message, seen as pending."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.standing import Goal
from cli.waits import standing_of
from sluice.adapters.ledger.releases import Releases
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import WEIGHTS
from tests.integration.faults import Crash
from tests.integration.test_copying import small_parts
from tests.integration.test_register_package_sweep import told_now
from tests.integration.unpacked import push_unpacked

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table
    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

__all__ = ["small_parts"]
pytestmark = [
    pytest.mark.filterwarnings("ignore:No application metrics"),
    pytest.mark.usefixtures("nine_parts"),
]
PART = 400
SIZES = {"a": 100, "b": 1600, "c": 1600, "d": 700}
"""Of a model's files: one part, four, four, two."""
LARGE = WEIGHTS + bytes(9 * PART - len(WEIGHTS))


@pytest.fixture
def nine_parts(small_parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model take nine parts, and everything else one."""
    monkeypatch.setattr("sluice.domain.parts.SMALLEST_PART", PART)


def push_large(inbox: Inbox) -> list[dict[str, Any]]:
    """A folder whose model takes nine parts; the other objects take one."""
    return list(
        map(told_now, [inbox.push(MODEL, LARGE), inbox.push(CONFIG), inbox.push(EVALUATION)])
    )


def time_for(inbox: Inbox, looks: int) -> None:
    """Lambda's time suffices for so many looks at the clock, one a part."""
    left = iter([900_000] * looks)
    inbox.context.get_remaining_time_in_millis = lambda: next(left, 60_000)


def until_done(inbox: Inbox, messages: list[Any], *, looks: int) -> list[str]:
    """Deliver what is in the queue until nothing is; what the last input's receipt said."""
    said = []
    while messages:
        time_for(inbox, looks)
        assert inbox.deliver(*messages) == []
        said.append(inbox.details().get("evaluation-results.json", ""))
        messages = inbox.queued()
        assert len(messages) <= 1
    return said


def test_a_copy_longer_than_an_invocation_is_handed_on_and_ends_registered(
    inbox: Inbox, faults: Faults
) -> None:
    model, config, evaluation = push_large(inbox)
    inbox.deliver(model, config)

    with faults.recorded() as calls:
        said = until_done(inbox, [evaluation], looks=5)

    assert said == [
        "copying model.tar.gz: 4 of 9 parts",
        "copying model.tar.gz: 8 of 9 parts",
        "",
    ]
    assert set(inbox.records().values()) == {"Registered"}
    assert calls.count("UploadPartCopy") == 9 + 2
    assert [body for key, body in inbox.vault().items() if key.endswith(MODEL)] == [LARGE]
    assert inbox.open_uploads() == []


def test_a_capture_under_way_is_pending_and_says_how_far_it_is(inbox: Inbox) -> None:
    events = push_large(inbox)
    inbox.deliver(*events[:2])
    time_for(inbox, 5)

    inbox.deliver(events[2])

    assert set(inbox.records().values()) == {"Pending"}
    assert inbox.details()["evaluation-results.json"].startswith("copying model.tar.gz: ")
    (release,) = inbox.releases()
    assert release["capture"] == "Claimed"


def test_an_upload_that_others_kept_waiting_goes_back_at_no_cost_to_it(inbox: Inbox) -> None:
    event = inbox.push(MODEL)
    time_for(inbox, 0)

    assert inbox.deliver(event) == []

    (message,) = inbox.queued()
    assert inbox.records() == {}
    time_for(inbox, 9)
    inbox.deliver(message)
    assert inbox.records() == {"churn-v4/model.tar.gz 1": "Pending"}


def test_others_leave_a_copy_to_whoever_carries_it(inbox: Inbox, faults: Faults) -> None:
    model, config, evaluation = push_large(inbox)
    inbox.deliver(model, config)
    time_for(inbox, 5)
    inbox.deliver(evaluation)
    (carried,) = inbox.queued()

    time_for(inbox, 99)
    with faults.recorded() as calls:
        assert inbox.deliver(model, config, inbox.push("notes.txt", b"unnamed")) == []

    assert "UploadPartCopy" not in calls
    assert inbox.queued() == []
    assert inbox.records()["churn-v4/notes.txt 1"] == "Ignored NotNamed"
    time_for(inbox, 99)
    assert inbox.deliver(carried) == []
    assert inbox.records()["churn-v4/model.tar.gz 1"] == "Registered"


def test_a_carrier_that_was_lost_is_replaced_by_the_schedule(inbox: Inbox) -> None:
    events = push_large(inbox)
    inbox.deliver(*events[:2])
    time_for(inbox, 5)
    inbox.deliver(events[2])
    inbox.queued()  # and never delivered

    time_for(inbox, 9)
    inbox.tick(hours=3)
    offered = inbox.queued()
    assert len(offered) == 1
    until_done(inbox, [json.loads(one) for one in offered], looks=6)

    assert set(inbox.records().values()) == {"Registered"}


@pytest.mark.parametrize("number", range(0, 16, 3))
def test_a_turn_that_was_killed_is_taken_up_by_its_own_message(
    inbox: Inbox, faults: Faults, number: int
) -> None:
    *others, last = push_large(inbox)
    inbox.deliver(*others)
    with faults.crash(number), pytest.raises(Crash):
        inbox.deliver(last)

    assert inbox.deliver(last) == []

    assert set(inbox.records().values()) == {"Registered"}
    assert len(inbox.packages()) == 1


def test_a_folder_of_files_goes_on_file_by_file_and_says_how_far_it_is(
    inbox: Inbox, faults: Faults
) -> None:
    files = {f"model/{name}.bin": name.encode() * size for name, size in SIZES.items()}
    *before, evaluation = map(told_now, push_unpacked(inbox, files))
    inbox.deliver(*before)

    with faults.recorded() as calls:
        said = until_done(inbox, [evaluation], looks=5)

    assert said[0] == ("copied 1 of 4 files, 100 of 4000 bytes; copying model/b.bin: 2 of 4 parts")
    assert said[-2].startswith("copied 3 of 4 files, 3300 of 4000 bytes; copying model/d.bin: ")
    assert set(inbox.records().values()) == {"Registered"}
    assert calls.count("UploadPartCopy") == 1 + 4 + 4 + 2 + 2
    kept = {key.rpartition("/model/")[2]: body for key, body in inbox.vault().items()}
    assert {f"model/{name}": kept[name] for name in ("a.bin", "b.bin", "c.bin", "d.bin")} == files
    assert inbox.open_uploads() == []


def test_a_file_is_compared_once_however_many_turns_the_folder_takes(
    inbox: Inbox, faults: Faults
) -> None:
    read = list[int]()
    for folder, looks in (("churn-v4", 99), ("churn-v5", 5)):
        files = {f"model/{name}.bin": name.encode() * size for name, size in SIZES.items()}
        *before, evaluation = map(told_now, push_unpacked(inbox, files, folder=folder))
        inbox.deliver(*before)
        with faults.recorded() as calls:
            turns = until_done(inbox, [evaluation], looks=looks)
        read.append(calls.count("GetObject"))

    assert len(turns) > 2
    assert read[1] == read[0] + 1, "who did not claim the folder just now looks for the envelope"
    assert set(inbox.records().values()) == {"Registered"}


@pytest.mark.parametrize("parts", [2, 7, 12])
def test_a_crash_within_a_folder_of_files_copies_nothing_again_that_stands(
    inbox: Inbox, faults: Faults, parts: int
) -> None:
    files = {f"model/{name}.bin": name.encode() * size for name, size in SIZES.items()}
    *before, evaluation = map(told_now, push_unpacked(inbox, files))
    inbox.deliver(*before)
    copied = 0

    def crash(operation: str, call: Any) -> Any:
        nonlocal copied
        if copied == parts:
            raise Crash
        copied += operation == "UploadPartCopy"
        return call()

    time_for(inbox, 99)
    with pytest.raises(Crash), faults.at_every_call(crash):
        inbox.deliver(evaluation)

    with faults.recorded() as calls:
        assert inbox.deliver(evaluation) == []

    assert set(inbox.records().values()) == {"Registered"}
    assert len(inbox.packages()) == 1
    again = 1 if parts in {1, 12, 13} else 0  # what is one part is begun anew
    assert calls.count("UploadPartCopy") == 13 - parts + again


def test_a_wait_is_told_how_far_the_copies_are(inbox: Inbox, table: Table) -> None:
    files = {f"model/{name}.bin": name.encode() * size for name, size in SIZES.items()}
    *before, evaluation = map(told_now, push_unpacked(inbox, files))
    inbox.deliver(*before)
    time_for(inbox, 5)

    inbox.deliver(evaluation)

    (release,) = Releases(table).of_group("churn")
    assert standing_of(release, Goal.REGISTERED, table).said == (
        "being captured: copied 1 of 4 files, 100 of 4000 bytes; copying model/b.bin: 2 of 4 parts"
    )
