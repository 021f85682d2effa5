"""The narration keeps every check and word; commands and users do as they are told."""

from __future__ import annotations

import io
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from demo.commands import CommandError, Shell
from demo.counting import Answer
from demo.narrator import Narrator
from demo.rows import Kind, Row
from demo.traffic import Traffic, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def heard() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def narrator(tmp_path: Path, heard: io.StringIO) -> Iterator[Narrator]:
    with Narrator(tmp_path / "demo.log", steps=1, console=Console(file=heard)) as it:
        yield it


def test_one_check_that_is_not_so_spoils_the_whole(narrator: Narrator) -> None:
    narrator.check("the first", True, "1 of 1")
    assert narrator.passed

    narrator.check("the second", False, "0 of 1")
    narrator.check("the third", True, "1 of 1")

    assert not narrator.passed


def test_checks_are_told_with_their_step_and_again_in_the_table(
    narrator: Narrator, heard: io.StringIO
) -> None:
    with narrator.step("1 · push"):
        narrator.check("registered", False, "nothing [there]")
    narrator.summary()

    assert "✗ registered (nothing [there])" in heard.getvalue()
    assert [check.step for check in narrator.checks] == ["1 · push"]
    assert heard.getvalue().count("registered") == 2
    assert "Times" in heard.getvalue()


def test_without_a_terminal_a_status_is_a_plain_line_and_told_once(
    narrator: Narrator, heard: io.StringIO
) -> None:
    narrator.status("version 2 at 5 %")
    narrator.status("version 2 at 5 %")

    assert heard.getvalue().count("version 2 at 5 %") == 1
    assert "\x1b" not in heard.getvalue()


def test_a_command_is_shown_as_it_is_typed_and_its_output_goes_to_the_log(
    narrator: Narrator, heard: io.StringIO, tmp_path: Path
) -> None:
    shell = Shell(narrator, tmp_path)

    said = shell.run(sys.executable, "-c", "import os; print(os.getcwd())")

    assert said.strip() == str(tmp_path)
    assert "$ " in heard.getvalue()
    assert "'import os; print(os.getcwd())'" in heard.getvalue()
    assert str(tmp_path) in narrator.log_path.read_text()


def test_a_command_that_fails_says_what_it_said(narrator: Narrator, tmp_path: Path) -> None:
    shell = Shell(narrator, tmp_path)

    with pytest.raises(CommandError, match=r"ended with 3:\nno such stack"):
        shell.run(
            sys.executable, "-c", "import sys; print('no such stack', file=sys.stderr); sys.exit(3)"
        )


def test_stopping_the_shell_ends_a_command_that_runs(narrator: Narrator, tmp_path: Path) -> None:
    shell = Shell(narrator, tmp_path)
    failed: list[CommandError] = []

    def run() -> None:
        try:
            shell.run(sys.executable, "-c", "print('on', flush=True); import time; time.sleep(60)")
        except CommandError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        shell.stop()
        thread.join(0.05)

    assert failed


def test_exported_variables_reach_commands_and_the_persons_profile_does_not(
    narrator: Narrator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    shell = Shell(narrator, tmp_path)
    shell.export({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})

    said = shell.run(
        sys.executable,
        "-c",
        "import os; print(os.environ['AWS_ENDPOINT_URL'], os.environ.get('AWS_PROFILE'))",
    )

    assert said.split() == ["http://127.0.0.1:1", "None"]


def test_users_send_the_mix_and_stop_when_told() -> None:
    rows = {kind: (Row(0, kind, (1.0,), "1.0"),) for kind in Kind}
    traffic = Traffic(an_echo, rows, rate=1000)
    traffic.send_from_now_on({Kind.INCOMPLETE: 1.0})
    traffic.start()
    while len(traffic.answers()) < 20:
        time.sleep(0.005)
    changed = time.monotonic()
    traffic.send_from_now_on({Kind.SCIENTIFIC: 1.0})
    while len(traffic.answers(since=changed)) < 40:
        time.sleep(0.005)
    traffic.stop()
    count = len(traffic.answers())

    assert {answer.kind for answer in traffic.answers()[:10]} == {Kind.INCOMPLETE}
    assert {answer.kind for answer in traffic.answers()[-10:]} == {Kind.SCIENTIFIC}
    assert len(traffic.answers()) == count


def test_a_sweep_sends_each_row_once() -> None:
    rows = [Row(number, Kind.COMPLETE, (1.0,), "1.0") for number in range(50)]

    assert [answer.number for answer in sweep(an_echo, rows)] == list(range(50))


def an_echo(row: Row) -> Answer:
    return Answer(time.monotonic(), 0.0, row.kind, row.number, "v1-e1", "benign")
