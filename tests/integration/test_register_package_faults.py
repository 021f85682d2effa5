"""Crashes, races and lost replies: whatever happens, one eligible package and one record each.

The adversary stands between the SDK and AWS and sees every call. A crash is a BaseException, so no
handler of ours survives it; a race lets the rival's whole delivery happen inside ours, at each call
in turn. moto ignores client tokens, so nothing here is owed to SageMaker's own idempotency.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import CONFIG
from tests.builders import WEIGHTS, a_config
from tests.integration.faults import CLAIMED, MOST_CALLS, Crash, meetings
from tests.integration.signing import assert_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Answer, Call, Faults
    from tests.integration.inbox import Inbox

# Powertools warns of an invocation without a metric; one that crashed has none.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")


def assert_registered_once(inbox: Inbox, *, inputs: int = 3) -> None:
    (package,) = inbox.packages()
    (release,) = inbox.releases()
    assert release["package_arn"] == package["ModelPackageArn"]
    assert release["capture"] == "Registered"
    assert release["digest"] == package["CustomerMetadataProperties"]["release-digest"]
    records = inbox.records()
    assert len(records) == inputs
    assert "Pending" not in records.values()
    folder = f"releases/churn/v4-{release['digest'][:12]}"
    vault = inbox.vault()
    assert vault[f"{folder}/model.tar.gz"] == WEIGHTS
    assert len(vault) == 5
    assert_signed(vault)


@pytest.mark.parametrize(
    ("before", "least"), [(0, 1), (2, 15)], ids=["the first object", "the last object"]
)
def test_a_crash_after_any_write_is_healed_by_the_next_delivery(
    faults: Faults, start_over: Callable[[], Inbox], before: int, least: int
) -> None:
    for number in range(MOST_CALLS):
        inbox = start_over()
        pushed = inbox.push_folder()
        inbox.deliver(*pushed[:before])
        try:
            with faults.crash(number):
                inbox.deliver(pushed[before])
        except Crash:
            assert inbox.deliver(*pushed[before:]) == []
            assert_registered_once(inbox)
        else:
            break
    else:
        pytest.fail(f"the delivery made more than {MOST_CALLS} writing calls")
    assert number > least  # the sweep went all the way through


def test_two_crashes_in_a_row_are_healed_too(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    for first in range(2, 17, 5):
        for second in range(1, 14, 4):
            inbox = start_over()
            pushed = inbox.push_folder()
            inbox.deliver(*pushed[:2])
            for number in (first, second):
                with suppress(Crash), faults.crash(number):
                    inbox.deliver(pushed[2])
            assert inbox.deliver(pushed[2]) == []
            assert_registered_once(inbox)


@pytest.mark.parametrize(
    ("before", "ours", "rival"),
    [
        pytest.param(1, 1, [2], id="the other last object"),
        pytest.param(1, 1, [1], id="the same object again, not the last"),
        pytest.param(2, 2, [2], id="the last object again"),
        pytest.param(1, 2, [1, 2, 0], id="everything"),
    ],
)
def test_two_deliveries_that_meet_at_any_call_register_once(
    faults: Faults, start_over: Callable[[], Inbox], before: int, ours: int, rival: list[int]
) -> None:
    def given() -> tuple[Inbox, list[Any]]:
        inbox = start_over()
        pushed = inbox.push_folder()
        inbox.deliver(*pushed[:before])
        return inbox, pushed

    for inbox, pushed in meetings(
        faults, given, ours=lambda pushed: [pushed[ours]], rival=lambda p: [p[n] for n in rival]
    ):
        assert inbox.deliver(*pushed) == []
        assert_registered_once(inbox)


@pytest.mark.parametrize(
    ("ours", "rival"), [(2, 3), (3, 2)], ids=["comes inside", "goes on around"]
)
@pytest.mark.parametrize(
    "correction",
    [
        pytest.param(a_config(instance_count=3), id="another config"),
        pytest.param(b"{", id="a config that is refused"),
        pytest.param(
            a_config(inference_scripts=[{"file": "pre.py", "version": "1"}]),
            id="a config that waits for a file",
        ),
    ],
)
def test_a_config_overwritten_at_any_call_is_in_the_version_or_accounted_for(
    faults: Faults, start_over: Callable[[], Inbox], correction: Any, ours: int, rival: int
) -> None:
    def given() -> tuple[Inbox, list[Any]]:
        inbox = start_over()
        pushed = inbox.push_folder()
        inbox.deliver(*pushed[:2])
        return inbox, [*pushed, inbox.push(CONFIG, correction)]

    seen = set()
    for inbox, _ in meetings(
        faults, given, ours=lambda p: [p[ours]], rival=lambda p: [p[rival]], until=CLAIMED
    ):
        inbox.deliver(inbox.push("pre.py", b"def pre(): ..."))
        records = inbox.records()
        ends = records["churn-v4/config.json 1"], records["churn-v4/config.json 2"]
        seen.add(ends)
        assert ends in {
            ("Ignored Superseded", "Registered"),
            ("Ignored Superseded", "Rejected MalformedJson"),
            ("Registered", "Rejected AlreadyRegistered"),
        }
        if "Registered" in ends:
            assert len(inbox.packages()) == 1
            assert "Pending" not in records.values()
    assert len(seen) == 2  # it came too late, and it came in time


def test_a_file_nobody_names_that_comes_at_any_call_is_ignored(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    def given() -> tuple[Inbox, list[Any]]:
        inbox = start_over()
        pushed = inbox.push_folder()
        inbox.deliver(*pushed[:2])
        return inbox, [*pushed, inbox.push("notes.txt", b"notes")]

    for inbox, _ in meetings(
        faults, given, ours=lambda pushed: [pushed[2]], rival=lambda p: [p[3]], until=CLAIMED
    ):
        assert inbox.records()["churn-v4/notes.txt 1"] == "Ignored NotNamed"
        assert_registered_once(inbox, inputs=4)


def test_a_registration_whose_reply_is_lost_is_found_again(inbox: Inbox, faults: Faults) -> None:
    *others, last = inbox.push_folder()
    inbox.deliver(*others)

    with faults.lost_reply("CreateModelPackage"):
        assert inbox.deliver(last) == []

    assert_registered_once(inbox)


def test_a_list_of_packages_that_lags_behind_costs_no_second_one(
    inbox: Inbox, faults: Faults
) -> None:
    def lag(operation: str, call: Call) -> Answer:
        answer = call()
        if operation == "ListModelPackages" and answer[0]:
            answer[0][1]["ModelPackageSummaryList"] = []
        return answer

    with faults.at_every_call(lag):
        assert inbox.deliver(*inbox.push_folder()) == []

    assert_registered_once(inbox)


@pytest.mark.parametrize(
    "operation",
    ["CompleteMultipartUpload", "PutObject", "TransactWriteItems", "PutItem", "PutEvents"],
)
def test_a_lost_reply_is_no_second_effect(inbox: Inbox, faults: Faults, operation: str) -> None:
    pushed = inbox.push_folder()

    with faults.lost_reply(operation):
        again = inbox.deliver(*pushed)
    inbox.deliver(*(pushed[number] for number in again))

    assert_registered_once(inbox)


def test_a_duplicate_package_left_by_a_crash_is_rejected_as_one(
    inbox: Inbox, faults: Faults, aws: Callable[[str], Any]
) -> None:
    *others, last = inbox.push_folder()
    inbox.deliver(*others)
    with pytest.raises(Crash), faults.crash_when("CreateModelPackage", succeeds=True):
        inbox.deliver(last)
    (first,) = inbox.packages()
    copied = ("InferenceSpecification", "CustomerMetadataProperties", "ModelApprovalStatus")
    stray = aws("sagemaker").create_model_package(
        ModelPackageGroupName="churn", **{name: first[name] for name in copied}
    )["ModelPackageArn"]

    assert inbox.deliver(last) == []

    assert_registered_once(inbox)
    rejected = aws("sagemaker").describe_model_package(ModelPackageName=stray)
    assert rejected["ModelApprovalStatus"] == "Rejected"
    assert rejected["ApprovalDescription"] == f"duplicate of {first['ModelPackageArn']}"


def test_any_order_of_the_same_events_registers_once(
    start_over: Callable[[], Inbox],
) -> None:
    for order in permutations(range(3)):
        inbox = start_over()
        pushed = inbox.push_folder()
        for number in order:
            inbox.deliver(pushed[number])
        assert_registered_once(inbox)
