"""What CloudTrail tells of pushes and decisions: once each, whenever it comes, and beside the rest.

A record that a registered version is made of stays for good, whichever came first and wherever an
attempt ended; any other expires.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.inbox import MODEL
from tests.builders import ACCOUNT, REGION, a_package_arn
from tests.integration.faults import MOST_CALLS, Crash, meetings
from tests.integration.trailed import MIA, decided, recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Faults
    from tests.integration.inbox import Inbox

# Powertools warns of an invocation without a metric; one that crashed has none.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")
DAY = 24 * 60 * 60


def trails(inbox: Inbox) -> list[dict[str, Any]]:
    return [one for one in inbox.ledger() if one["pk"].startswith("TRAIL#")]


def assert_kept(inbox: Inbox, *, objects: int = 3) -> None:
    found = trails(inbox)
    assert [one["actor"]["name"] for one in found] == [MIA] * objects
    assert [one for one in found if "expires_at" in one] == []


@pytest.mark.parametrize("order", ["before", "after", "mixed"])
def test_who_pushed_a_version_is_known_for_good_whichever_came_first(
    inbox: Inbox, order: str
) -> None:
    pushed = inbox.push_folder()
    told = [recorded(one) for one in pushed]
    batches = {
        "before": [told, pushed],
        "after": [pushed, told],
        "mixed": [[told[0], pushed[1]], [pushed[0], told[2]], [pushed[2], told[1]]],
    }

    for batch in batches[order]:
        assert inbox.deliver(*batch) == []
    assert_kept(inbox)

    assert inbox.deliver(*told) == []  # twice

    assert_kept(inbox)
    assert set(inbox.records().values()) == {"Registered"}, "no receipts beside those of objects"


def test_a_record_without_a_version_leads_to_it_by_the_request(inbox: Inbox) -> None:
    pushed = inbox.push_folder()
    multipart = {"eventName": "CompleteMultipartUpload", "responseElements": None}
    inbox.deliver(recorded(pushed[0], **multipart))

    inbox.deliver(*pushed)

    assert_kept(inbox, objects=1)
    (found,) = trails(inbox)
    assert found["sk"] == f"{MODEL}@request/{pushed[0]['detail']['request-id']}"


def test_what_no_version_is_made_of_expires(inbox: Inbox) -> None:
    replaced = inbox.push(MODEL)
    pushed = inbox.push_folder()
    lonely = inbox.push(MODEL, folder="churn-v9")

    inbox.deliver(*(recorded(one) for one in (replaced, *pushed, lonely)), replaced, *pushed)
    late = inbox.push(MODEL)
    inbox.deliver(late, recorded(late))

    expiring = {one["version_id"]: one for one in trails(inbox) if "expires_at" in one}
    wanted = {one["detail"]["object"]["version-id"] for one in (replaced, lonely, late)}
    assert set(expiring) == wanted
    at = 1777816687  # 2026-05-03T13:58:07Z
    assert {one["expires_at"] for one in expiring.values()} == {at + 400 * DAY}


def nearly_complete(start_over: Callable[[], Inbox]) -> tuple[Inbox, list[Any]]:
    """A folder that its last object will complete, and the record of its first."""
    inbox = start_over()
    pushed = inbox.push_folder()
    inbox.deliver(*pushed[:2])
    return inbox, [*pushed, recorded(pushed[0])]


def test_a_record_that_comes_at_any_call_of_a_claim_is_kept(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    given = partial(nearly_complete, start_over)
    for inbox, _ in meetings(faults, given, ours=lambda p: [p[2]], rival=lambda p: [p[3]]):
        assert_kept(inbox, objects=1)


def test_a_claim_at_any_call_of_a_record_keeps_it(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    given = partial(nearly_complete, start_over)
    for inbox, _ in meetings(faults, given, ours=lambda p: [p[3]], rival=lambda p: [p[2]]):
        assert_kept(inbox, objects=1)


def test_a_crash_at_any_write_of_either_leaves_the_record_kept(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    for number in range(0, MOST_CALLS, 3):
        inbox = start_over()
        pushed = inbox.push_folder()
        told = [recorded(one) for one in pushed]
        inbox.deliver(*pushed[:2], told[0])
        try:
            with faults.crash(number):
                inbox.deliver(pushed[2], *told[1:])
        except Crash:
            assert inbox.deliver(pushed[2], *told[1:]) == []
            assert_kept(inbox)
        else:
            break
    assert number > 15  # the sweep went all the way through


def test_a_ledger_that_does_not_answer_hands_the_record_back(inbox: Inbox, faults: Faults) -> None:
    pushed = inbox.push_folder()
    inbox.deliver(*pushed)

    with faults.refusing("PutItem", "ProvisionedThroughputExceededException"):
        assert inbox.deliver(recorded(pushed[0])) == [0]

    assert inbox.deliver(recorded(pushed[0])) == []
    assert_kept(inbox, objects=1)


def test_decisions_on_our_packages_are_noted_once_each_and_stay(inbox: Inbox) -> None:
    inbox.deliver(*inbox.push_folder())
    first = decided(eventTime="2026-05-03T14:00:00Z", eventID="e1")
    second = decided(eventTime="2026-05-03T15:00:00Z", eventID="e2")
    before = inbox.releases()

    assert inbox.deliver(second, first, second) == []

    found = trails(inbox)
    assert [(one["pk"], one["sk"], one["status"]) for one in found] == [
        (f"TRAIL#{a_package_arn(1)}", "2026-05-03T14:00:00.000Z#e1", "Approved"),
        (f"TRAIL#{a_package_arn(1)}", "2026-05-03T15:00:00.000Z#e2", "Approved"),
    ]
    assert [one for one in found if "expires_at" in one] == []
    assert inbox.releases() == before, "a record decides nothing"


def test_what_we_reject_ourselves_and_what_is_nobodys_package_is_not_noted(inbox: Inbox) -> None:
    inbox.deliver(*inbox.push_folder())
    role = {"arn": f"arn:aws:iam::{ACCOUNT}:role/sluice-RegisterPackageRole"}
    ours = {"arn": MIA, "sessionContext": {"sessionIssuer": role}}
    others = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/another-group/1"
    asked = {"modelPackageArn": others, "modelApprovalStatus": "Approved"}
    unversioned = {**asked, "modelPackageArn": others.removesuffix("/1")}

    assert inbox.deliver(decided(userIdentity=ours)) == []
    assert inbox.deliver(decided(requestParameters=asked)) == []
    assert inbox.deliver(decided(requestParameters=unversioned)) == []

    assert trails(inbox) == []


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"account": "999999999999"}, "Ignored ForeignEvent"),
        ({"detail": {"errorCode": "AccessDenied"}}, "Ignored UnreadableEvent"),
    ],
)
def test_a_record_of_another_account_or_of_nothing_is_ignored(
    inbox: Inbox, change: dict[str, Any], ends: str
) -> None:
    told = recorded(inbox.push(MODEL))
    event = {**told, **change, "detail": {**told["detail"], **change.get("detail", {})}}

    assert inbox.deliver(event) == []

    assert trails(inbox) == []
    assert list(inbox.records().values()) == [ends]
