"""`sluice`: what people ask of rollouts and say to them, with the exit codes that scripts read."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli.__main__ import main
from sluice.adapters.ledger.evidence import Evidences
from sluice.domain.forecasting import Forecast
from sluice.domain.judging import canonical
from sluice.domain.rollout import Phase
from tests.builders import AT, EXECUTION, TARGET, a_rollout, a_state, an_evidence
from tests.integration.conftest import REGION, ROOT, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.rollouts import World

STACK = """
Resources: {Topic: {Type: AWS::SNS::Topic}}
Outputs: {LedgerTableName: {Value: sluice-ledger}}
"""


@pytest.fixture
def held(world: World) -> World:
    """Version 4 is held at 10 %."""
    world.given(a_state(a_rollout(position=0), phase=Phase.HELD, token="t-1", parked_at=AT))
    return world


def written(folder: Path, **changes: Any) -> str:
    path = folder / "evidence.json"
    path.write_text(an_evidence(**changes).canonical())
    return str(path)


def test_evidence_in_a_file_replays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", written(tmp_path)]) == 0
    assert "the same: the canary is worse than is tolerated" in capsys.readouterr().out


def test_an_answer_that_was_changed_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {**an_evidence().answer, "reason": "it is fine", "verdict": "promote"}

    assert main(["replay", written(tmp_path, answer=answer)]) == 1
    assert "DIFFERENT: it is fine" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["{}", "no JSON", '{"document": {"minutes": 3}}'])
def test_a_file_that_is_no_evidence_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)

    assert main(["replay", str(path)]) == 2
    assert "other.json is no evidence" in capsys.readouterr().err


def test_stored_evidence_replays_by_target_and_by_rollout(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = Evidences(world.table)
    stored.store(TARGET, an_evidence())
    other = an_evidence(rollout="churn-g1-e9", answer={"reason": "forged"})
    stored.store(TARGET, other)

    one = ["replay", "churn", "--table", TABLE]
    assert main([*one, "--rollout", EXECUTION, "--save", str(tmp_path)]) == 0
    assert main(one) == 1
    (saved,) = tmp_path.iterdir()
    assert saved.read_text() == an_evidence().canonical()
    assert main(["replay", str(saved)]) == 0
    assert main(["replay", "fraud", "--table", TABLE]) == 2
    assert "no verdict is stored of fraud" in capsys.readouterr().err


def test_a_word_reaches_an_application_and_not_the_endpoint_of_that_name(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    rollout = a_rollout(position=0, target="application/churn")
    held = a_state(rollout, phase=Phase.HELD, token="t-1", parked_at=AT)
    world.given(held.model_copy(update={"target": rollout.target}))

    assert main(["promote", "churn", "--table", TABLE, "--by", "somebody"]) == 2
    assert "the ledger has nothing of endpoint/churn" in capsys.readouterr().err
    assert main(["promote", "application/churn", "--table", TABLE, "--by", "somebody"]) == 0

    state = world.targets.read(rollout.target)
    assert state is not None
    assert state.word is not None


@pytest.mark.parametrize("name", ["endpoints/churn", "endpoint/", "/churn"])
def test_what_no_target_is_called_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["abort", name, "--table", TABLE, "--by", "somebody"]) == 2
    assert f"no target is called {name!r}" in capsys.readouterr().err


def test_a_person_promotes_what_is_held(held: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", "churn", "--table", TABLE, "--why", "looked at it"]) == 0

    assert "the held step passes" in capsys.readouterr().out
    word = held.state.word
    assert word
    assert (word.says, word.rollout, word.position) == ("promote", EXECUTION, 0)
    assert word.by.startswith("arn:aws:sts::123456789012:")
    assert held.history() == ["PromotionAsked"]
    assert main(["history", "churn", "--table", TABLE]) == 0
    assert "the held step of churn-v4 may pass, by word of arn:" in capsys.readouterr().out


def test_a_person_aborts_under_a_name(held: World) -> None:
    assert main(["abort", TARGET, "--table", TABLE, "--by", "ana"]) == 0

    assert held.state.word
    assert (held.state.word.says, held.state.word.by) == ("abort", "ana")


def test_the_wrong_moment_is_told_and_nothing_written(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = a_state(a_rollout(position=0), phase=Phase.BAKING, token="t-1", parked_at=AT)
    world.given(before)

    assert main(["promote", "churn", "--table", TABLE]) == 1

    assert "refused: endpoint/churn is Baking" in capsys.readouterr().err
    assert world.state.word is None
    assert world.history() == []


def test_the_ledger_is_found_by_the_stack(
    held: World, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws("cloudformation").create_stack(StackName="mine", TemplateBody=STACK)

    assert main(["abort", "churn", "--stack", "mine"]) == 0
    monkeypatch.setenv("SLUICE_STACK", "mine")
    assert main(["abort", "churn"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["abort", "churn", "--stack", "none"], "name it with --stack", id="no stack"),
        pytest.param(["replay", "gone.json"], "gone.json is no file", id="no file"),
        pytest.param(
            ["abort", "churn", "--table", "none"],
            "name the ledger's table with --table or SLUICE_TABLE",
            id="no table",
        ),
    ],
)
def test_what_cannot_be_asked_says_what_to_change(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "asked", [["plan", "churn"], ["plan", "churn", "--table", TABLE], ["abort", "churn"]]
)
def test_without_credentials_it_is_said_what_to_set(asked: list[str]) -> None:
    none = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    told = {**none, **files, "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": REGION}

    ended = subprocess.run(
        [ROOT / "bin" / "sluice", *asked], env=told, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in ended.stderr


def test_the_region_is_the_one_that_aws_region_names(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    asked = ["plan", "fraud", "--table", TABLE]

    monkeypatch.delenv("AWS_REGION", raising=False)
    assert main(asked) == 2
    assert "Set it with --region or AWS_REGION" in capsys.readouterr().err
    monkeypatch.setenv("AWS_REGION", REGION)
    assert main(asked) == 2
    assert "the ledger has nothing of endpoint/fraud" in capsys.readouterr().err


def test_a_command_that_does_not_exist_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["deploy"])

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "invalid choice: 'deploy'" in said
    assert "'plan', 'promote', 'abort', 'override'" in said


@pytest.mark.parametrize(
    ("warnings", "code"), [pytest.param((), 0, id="fine"), pytest.param(("too few",), 1, id="not")]
)
def test_what_was_foreseen_of_the_rollout_in_flight_is_shown(
    held: World, capsys: pytest.CaptureFixture[str], warnings: tuple[str, ...], code: int
) -> None:
    told = Forecast(
        rollout=EXECUTION, at=AT, requests_per_minute=10, bad_rate=0.0, phi=1.5, warnings=warnings
    )
    Evidences(held.table).foresee(TARGET, told)

    assert main(["plan", "churn", "--table", TABLE]) == code

    shown = capsys.readouterr().out
    assert "At 10 requests a minute" in shown
    assert [line for line in shown.splitlines() if "! " in line] == [f"! {one}" for one in warnings]
    assert main(["plan", "churn", "--table", TABLE, "--rollout", "churn-g1-e9"]) == 2


def test_without_a_rollout_there_is_no_plan(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.given(a_state())

    assert main(["plan", "churn", "--table", TABLE]) == 2
    assert "no rollout is in flight" in capsys.readouterr().err
    assert main(["plan", "fraud", "--table", TABLE]) == 2
    assert "the ledger has nothing of endpoint/fraud" in capsys.readouterr().err


def test_it_can_be_called_from_any_folder(tmp_path: Path) -> None:
    command = [ROOT / "bin" / "sluice", "replay", written(tmp_path)]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("evidence.json: the same")


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    shown = capsys.readouterr().out
    commands = ("replay", "plan", "promote", "abort", "history", "audit", "diff")
    assert all(f"    {name} " in shown for name in commands)
    assert "Exit codes" in shown


def test_help_of_a_command_says_what_its_exit_codes_mean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["promote", "--help"])

    assert ended.value.code == 0
    codes = capsys.readouterr().out.partition("\nexit codes:\n")[2]
    assert [line[:5] for line in codes.splitlines()] == ["  0  ", "  1  ", "  2  "]
    assert "refused: no step is held" in codes


def test_evidence_reads_as_json(tmp_path: Path) -> None:
    text = an_evidence().canonical()

    assert canonical(json.loads(text)) == text
