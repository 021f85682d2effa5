"""What captured a version stands in its manifest; where that cannot be asked, nothing is lost."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.own_stack import JSON, STACK_ID, YAML, played

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.faults import Answer, Call, Faults
    from tests.integration.inbox import Inbox

CANONICAL = '{"A":"größer","Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}'


def infrastructure(inbox: Inbox, at: int = 0) -> dict[str, Any]:
    found = [body for key, body in inbox.vault().items() if key.endswith("/manifest.json")]
    told: dict[str, Any] = json.loads(found[at])["infrastructure"]
    return told


@pytest.mark.parametrize(("template", "hashed"), [(YAML, YAML), (JSON, CANONICAL)])
def test_a_version_tells_the_stack_and_the_template_that_captured_it(
    inbox: Inbox, template: str, hashed: str
) -> None:
    played.template = template

    inbox.deliver(*inbox.push_folder())

    assert infrastructure(inbox) == {
        "stack": "sluice",
        "stack_id": STACK_ID,
        "template_sha256": hashlib.sha256(hashed.encode()).hexdigest(),
        "commit": "4f2a91c0ffee-dirty",
    }
    (package,) = inbox.packages()
    said = package["CustomerMetadataProperties"]["infrastructure-commit"]
    assert said == "4f2a91c0ffee-dirty"


def test_each_claim_asks_once_and_no_answer_is_kept_for_the_next(inbox: Inbox) -> None:
    first = inbox.push_folder()
    inbox.deliver(*first)
    inbox.deliver(*first)
    assert played.asked == 1

    played.template = "Resources: {}\n"  # a stack update, under a warm container
    inbox.deliver(*inbox.push_folder("churn-v5"))

    assert played.asked == 2
    both = [infrastructure(inbox, at)["template_sha256"] for at in (0, 1)]
    assert set(both) == {
        hashlib.sha256(one.encode()).hexdigest() for one in (YAML, "Resources: {}\n")
    }


@pytest.mark.parametrize(
    ("code", "status"), [("Throttling", 400), ("ServiceUnavailable", 503), ("InternalFailure", 500)]
)
def test_what_passes_hands_the_message_back(
    inbox: Inbox, faults: Faults, code: str, status: int
) -> None:
    *others, last = inbox.push_folder()
    inbox.deliver(*others)

    with faults.refusing("GetTemplate", code, status=status):
        assert inbox.deliver(last) == [0]
    assert inbox.releases() == []

    assert inbox.deliver(last) == []
    assert inbox.records()["churn-v4/evaluation-results.json 1"] == "Registered"


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError"])
def test_a_lasting_denial_is_one_clear_reason_and_the_schedule_takes_the_folder_up_again(
    inbox: Inbox, faults: Faults, told: Callable[[], list[str]], code: str
) -> None:
    events = inbox.push_folder()
    last = "churn-v4/evaluation-results.json 1"

    with faults.refusing("GetTemplate", code):
        assert inbox.deliver(*events) == []
        assert inbox.records()[last] == "Pending InfrastructureUnreadable"
        assert code in inbox.details()["evaluation-results.json"]
        assert len([one for one in told() if "cloudformation:GetTemplate" in one]) == 1
        inbox.tick(hours=3)  # an hour after a folder counts as forgotten, offered in vain
        assert inbox.deliver(*inbox.queued()) == []
        assert inbox.records()[last] == "Pending InfrastructureUnreadable"
        assert len(told()) == 1

    inbox.tick(hours=9)
    assert inbox.deliver(*inbox.queued()) == []
    assert set(inbox.records().values()) == {"Registered"}
    assert infrastructure(inbox)["stack_id"] == STACK_ID


def test_a_template_that_changes_while_two_claim_is_the_winners(
    faults: Faults, start_over: Callable[[], Inbox]
) -> None:
    inbox = start_over()
    events = inbox.push_folder()
    inbox.deliver(*events[:2])

    def meanwhile(operation: str, call: Call) -> Answer:
        answer = call()
        if operation == "GetTemplate" and played.asked == 1:
            played.template = "Resources: {}\n"
            assert inbox.deliver(events[2]) == []
        return answer

    with faults.at_every_call(meanwhile):
        assert inbox.deliver(events[2]) == []

    assert played.asked == 2
    assert (
        infrastructure(inbox)["template_sha256"] == hashlib.sha256(b"Resources: {}\n").hexdigest()
    )
    assert len(inbox.packages()) == 1
