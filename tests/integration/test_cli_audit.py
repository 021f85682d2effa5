"""`sluice audit`: a history is held to account in the ledger, and offline from a bundle."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.adapters.ledger.targets import Targets
from sluice.domain.target import Change, Event
from tests.builders import TARGET, after
from tests.integration.conftest import ROOT, TABLE
from tests.pasts import live_through

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sluice.adapters.ledger.table import Table
    from sluice.domain.target import TargetState

PARTITION = f"TARGET#{TARGET}"
ASKED = ["audit", "churn", "--table", TABLE]


@pytest.fixture
def past(table: Table) -> TargetState:
    """The target has a past of eleven entries."""
    return live_through(Targets(table))


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": PARTITION}, "sk": {"S": f"HISTORY#{number:08d}"}}


def falsify(dynamodb: Any, number: int, **changed: Any) -> None:
    """Somebody with write access changes an item of the history."""
    for name, value in changed.items():
        dynamodb.update_item(
            TableName=TABLE,
            Key=key(number),
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": value},
        )


def test_the_history_that_rollouts_wrote_is_sound(
    past: TargetState, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(ASKED) == 0

    assert capsys.readouterr().out == (f"{TARGET}: sound; 11 entries, head {past.history_hash}\n")


def test_an_item_that_was_tampered_with_is_named(
    past: TargetState, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    falsify(aws("dynamodb"), 3, reason={"S": "approved by nobody"})

    assert main(ASKED) == 1

    said = capsys.readouterr().out
    assert said.startswith(f"{TARGET}: 1 flaw; 11 entries")
    assert "  entry 3: its content has the hash " in said
    assert said.endswith("(between entry 2 and entry 4)\n")


def test_a_number_of_another_type_is_found_in_what_serves(
    past: TargetState, aws: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    falsify(aws("dynamodb"), 5, epoch={"S": "3"})

    assert main([*ASKED, "--json"]) == 1

    (target,) = json.loads(capsys.readouterr().out)["targets"]
    assert {flaw["number"] for flaw in target["flaws"]} == {5}


@pytest.mark.parametrize(
    ("number", "between"),
    [(7, ["entry 6", "entry 8"]), (11, ["entry 10", "STATE"])],
    ids=["amid", "the newest"],
)
def test_a_deleted_item_is_missed(
    past: TargetState,
    aws: Callable[[str], Any],
    capsys: pytest.CaptureFixture[str],
    number: int,
    between: list[str],
) -> None:
    aws("dynamodb").delete_item(TableName=TABLE, Key=key(number))

    assert main([*ASKED, "--json"]) == 1

    answer = json.loads(capsys.readouterr().out)
    ((flaw,),) = (one["flaws"] for one in answer["targets"])
    assert not answer["sound"]
    assert (flaw["number"], flaw["between"]) == (number, between)


def test_a_bundle_is_audited_without_aws(past: TargetState, tmp_path: Path) -> None:
    bundle = tmp_path / "churn.json"
    assert main([*ASKED, "--bundle", str(bundle)]) == 0
    offline = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}

    def audited() -> subprocess.CompletedProcess[str]:
        command = [ROOT / "bin" / "sluice", "audit", "--from-bundle", bundle]
        return subprocess.run(command, env=offline, capture_output=True, text=True, check=False)

    ended = audited()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{TARGET}: sound; 11 entries, head {past.history_hash}\n"

    bundle.write_text(bundle.read_text().replace("approved by bob", "approved by eve"))
    ended = audited()
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "entry 5: its content has the hash" in ended.stdout


def test_a_bundle_holds_no_task_token(table: Table, past: TargetState, tmp_path: Path) -> None:
    parked = past.model_copy(update={"token": "a task token"})
    Targets(table).change(TARGET, lambda _: Change(parked))
    bundle = tmp_path / "churn.json"

    assert main([*ASKED, "--bundle", str(bundle)]) == 0

    assert "a task token" not in bundle.read_text()


def test_a_bundle_is_not_written_over(
    past: TargetState, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "churn.json"
    bundle.write_text("kept")

    assert main([*ASKED, "--bundle", str(bundle)]) == 2

    assert "File exists; name a new file" in capsys.readouterr().err
    assert bundle.read_text() == "kept"


def test_all_targets_are_audited_endpoints_and_applications(
    past: TargetState,
    table: Table,
    aws: Callable[[str], Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    live_through(Targets(table), "application/support")
    bundle = tmp_path / "all.json"
    everything = ["audit", "--all", "--table", TABLE]
    assert main([*everything, "--bundle", str(bundle)]) == 0
    falsify(aws("dynamodb"), 2, event={"S": "Promoted"})
    capsys.readouterr()

    assert main(everything) == 1

    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("application/support: sound; 11 entries")
    assert said[1].startswith("endpoint/churn: 1 flaw")
    assert main(["audit", "application/support", "--table", TABLE]) == 0
    assert main(["audit", "application/support", "--from-bundle", str(bundle)]) == 0
    assert main(["audit", "fraud", "--from-bundle", str(bundle)]) == 2


def a_bundle(**changes: Any) -> str:
    empty = {"kind": "sluice-audit", "made_at": "2026-05-03T14:00:00Z", "recorded": []}
    return json.dumps({**empty, **changes})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", "is no bundle"),
        ('{"kind": "sluice-audit", "kind": "twice"}', "stands twice"),
        (a_bundle(kind="other"), "is no bundle"),
        (a_bundle(schema_version=9), "newer Sluice"),
        (a_bundle(), "holds nothing of any target"),
    ],
)
def test_a_file_that_is_no_bundle_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(content)

    assert main(["audit", "--from-bundle", str(path)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["audit"], "either a TARGET, or --all, or --from-bundle FILE"),
        (["audit", "churn", "--all"], "either a TARGET, or --all"),
        (["audit", "fraud"], "the ledger has nothing of endpoint/fraud"),
        (["audit", "--all"], "the ledger knows no target"),
        (["audit", "endpoints/churn"], "no target is called"),
        (["audit", "--from-bundle", "gone.json"], "gone.json cannot be read"),
    ],
)
def test_what_cannot_be_audited_says_what_to_change(
    table: Table, capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    assert main([*asked, "--table", TABLE]) == 2
    assert said in capsys.readouterr().err


def test_a_history_of_many_pages_is_audited_whole(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    live_through(Targets(table))
    said = Event(after(9_000), "Said", "x" * 200_000)
    for _ in range(12):
        Targets(table).change(TARGET, lambda state: Change(state, (said,)) if state else None)

    assert main(ASKED) == 0
    assert "sound; 23 entries" in capsys.readouterr().out


def test_nothing_but_reads_is_asked_of_aws(
    past: TargetState, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.integration.rollouts import Wire

    wire = Wire(monkeypatch)

    assert main(ASKED) == 0

    assert {operation for operation, _ in wire.asked} == {"GetItem", "Query"}
