"""`sluice history`: what served when, from ledger and vault alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.adapters.ledger.targets import Targets
from sluice.domain.target import Change, Event
from tests.builders import TARGET, after
from tests.integration.conftest import TABLE
from tests.pasts import live_through

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.adapters.ledger.table import Table

ASKED = ["history", "churn", "--table", TABLE]


@pytest.fixture
def past(table: Table) -> None:
    """The target has a past of eleven entries, a minute apart from 14:00 on."""
    live_through(Targets(table))


def told(capsys: pytest.CaptureFixture[str], *asked: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*ASKED, *asked]) == code
    return capsys.readouterr().out


def answered(capsys: pytest.CaptureFixture[str], *asked: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(told(capsys, *asked, "--json", code=code))
    return answer


def test_a_rollback_says_why_and_on_what_evidence(
    past: None, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = answered(capsys, "--at", "2026-05-03T14:08:00Z")

    began = answer["began_with"]
    assert (answer["serves"], answer["until"]) == ("churn-v3", None)
    assert (began["event"], began["reason"]) == ("RolledBack", "alarm errors: 0.5")
    assert (began["evidence"], began["execution"]) == ("00004-abc", "churn-g1-e5")
    said = told(capsys, "--at", "2026-05-03T14:08:00Z")
    assert "evidence 00004-abc of rollout churn-g1-e5" in said


def test_before_the_first_deployment_nothing_served(
    past: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = told(capsys, "--at", "2026-05-03T13:00Z", code=1)
    assert before == (
        f"{TARGET} at 2026-05-03T13:00:00.000Z: nothing served: it was not deployed yet\n"
    )

    during = told(capsys, "--at", "2026-05-03T14:01:30Z", code=1)
    assert "a rollout of churn-v3 was under way since 2026-05-03T14:01:00.000Z" in during
    assert "answers from the moment it is InService, before promotion" in during
    assert answered(capsys, "--at", "2026-05-03T13:00Z", code=1)["serves"] is None


def test_within_a_halt_what_served_is_told_with_the_halt(
    past: None, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(capsys, "--at", "2026-05-03T14:10Z")

    assert "churn-v3 served, since 2026-05-03T14:08:00.000Z, and nothing else since" in said
    assert (
        "halted since 2026-05-03T14:10:00.000Z (entry 11): "
        "a second alarm within the cool-down; what served went on serving"
    ) in said
    assert answered(capsys, "--at", "2026-05-03T14:10Z")["halted"]["n"] == 11


def test_the_whole_history_is_told_in_plain_words(
    past: None, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys).splitlines()

    assert lines[:3] == [
        TARGET,
        "until 2026-05-03T14:02:00.000Z: nothing, it was not deployed yet",
        "       1  2026-05-03T14:00:00.000Z  churn-v3 was approved by alice",
    ]
    assert [line for line in lines if line.startswith(("from", "until"))][1:] == [
        "from 2026-05-03T14:02:00.000Z until 2026-05-03T14:07:00.000Z: churn-v3",
        "from 2026-05-03T14:07:00.000Z until 2026-05-03T14:08:00.000Z: churn-v4",
        "from 2026-05-03T14:08:00.000Z and nothing else since: churn-v3",
    ]
    assert lines[-1].endswith("halted, a person was called: a second alarm within the cool-down")


def test_a_range_holds_what_served_when_it_began(
    past: None, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = answered(capsys, "--from", "2026-05-03T14:06:30Z", "--to", "2026-05-03T14:07:00Z")

    assert [one["serves"] for one in answer["services"]] == ["churn-v3", "churn-v4"]
    assert [one["n"] for one in answer["entries"]] == [8]


def test_a_long_history_comes_in_pages(past: None, capsys: pytest.CaptureFixture[str]) -> None:
    pages, after = list[list[int]](), 0
    while True:
        page = answered(capsys, "--limit", "4", "--after", str(after))
        pages.append([one["n"] for one in page["entries"]])
        if not page["more"]:
            break
        after = page["after"]

    assert pages == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11]]
    assert told(capsys, "--limit", "4").endswith("7 more entries: go on with --after 4\n")
    second = answered(capsys, "--limit", "4", "--after", "4")
    assert [one["serves"] for one in second["services"]] == ["churn-v3", "churn-v4"]


def test_a_history_that_does_not_hold_together_is_told_with_a_warning(
    past: None, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    place = {"pk": {"S": f"TARGET#{TARGET}"}, "sk": {"S": "HISTORY#00000003"}}

    def change(expression: str) -> None:
        aws("dynamodb").update_item(
            TableName=TABLE,
            Key=place,
            UpdateExpression=expression,
            ExpressionAttributeValues={":value": {"S": "forged"}},
        )

    change("SET reason = :value")
    assert main([*ASKED, "--at", "2026-05-03T14:03Z", "--json"]) == 0
    printed = capsys.readouterr()
    assert not json.loads(printed.out)["sound"]
    assert "see `sluice audit endpoint/churn`" in printed.err

    change("SET epoch = :value")
    assert main([*ASKED, "--at", "2026-05-03T14:03Z"]) == 2
    assert "entry 3 of endpoint/churn cannot be read" in capsys.readouterr().err


def test_what_others_wrote_does_nothing_to_a_terminal(
    past: None, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Event(after(9_000), "AlarmFired", "\x1b[2Jfine\r\n\u202eenif")
    Targets(table).change(TARGET, lambda state: Change(state, (said,)) if state else None)

    assert "\\x1b[2Jfine\\r\\n\\u202eenif" in told(capsys)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--at", "2026-05-03T14:00"], "no zone: write 2026-05-03T14:00Z for UTC, or 2026-05-03T"),
        (["--at", "2026-05-03"], "has no zone: write 2026-05-03T00:00Z for UTC"),
        (["--from", "2026-05-03 14:00:30.5"], "write 2026-05-03T14:00:30.500000Z for UTC"),
        (["--to", "yesterday"], "--to 'yesterday' is no time: write it as 2026-05-03T14:00Z"),
        (["--at", "2999-01-01T00:00Z"], "yet to come"),
        (["--at", "2026-05-03T14:00Z", "--to", "2026-05-03T14:00Z"], "give one of both"),
        (["--from", "2026-05-03T14:01Z", "--to", "2026-05-03T14:00Z"], "must not be later"),
        (["--limit", "-1"], "take numbers from 0"),
    ],
)
def test_what_cannot_be_answered_says_what_to_write(
    past: None, capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    assert main([*ASKED, *asked]) == 2
    assert said in capsys.readouterr().err


def test_a_target_without_a_history_is_told(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "fraud", "--table", TABLE]) == 2
    assert "the ledger has nothing of endpoint/fraud" in capsys.readouterr().err
