"""Every command of `sluice` tells its exit codes in one way, and an option means one thing."""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction

import pytest

from cli import errors
from cli.__main__ import parser_of_commands

CODES = {errors.DONE, errors.NO, errors.UNUSABLE, errors.TOO_LATE, errors.NOTHING}
_CODE = re.compile(r"  ([0-9])  (\S.*)")
SAID_ONCE = {
    *("--stack", "--table", "--region", "--trusted-keys", "--serving-role"),
    *("--policy", "--timeout", "--every", "--by"),
}
"""Options that mean the same wherever they are taken; `--all` is of what the command is about."""


def commands() -> dict[str, ArgumentParser]:
    actions = parser_of_commands()._actions
    (found,) = (one for one in actions if isinstance(one, _SubParsersAction))
    return dict(found.choices)


def exit_codes(parser: ArgumentParser) -> dict[int, str]:
    """What a command's help ends with. Raises AssertionError where that is something else."""
    head, *lines = (parser.epilog or "").splitlines() or [""]
    assert head == "exit codes:", f"{parser.prog}: add it with cli.commands.command"
    found = [_CODE.fullmatch(line) for line in lines]
    assert all(found), lines
    return {int(one[1]): one[2] for one in found if one}


@pytest.mark.parametrize("name", commands())
def test_the_help_of_every_command_ends_with_its_exit_codes(name: str) -> None:
    parser = commands()[name]
    codes = exit_codes(parser)

    assert list(codes) == sorted(codes)
    assert set(codes) >= {errors.DONE, errors.UNUSABLE}
    assert set(codes) <= CODES
    shown = parser.format_help()
    assert shown.rstrip().endswith(parser.epilog or ""), "wrapped: it is told line by line"
    assert shown.lower().count("exit codes") == 1, "told once"


def test_a_command_without_exit_codes_is_found() -> None:
    with pytest.raises(AssertionError, match=r"cli\.commands\.command"):
        exit_codes(ArgumentParser(prog="sluice new", description="Exit codes: 0, done."))


@pytest.mark.parametrize("option", sorted(SAID_ONCE))
def test_an_option_of_several_commands_is_told_in_the_same_words(option: str) -> None:
    told = [
        (one.help, one.metavar, one.default)
        for parser in commands().values()
        for one in parser._actions
        if option in one.option_strings
    ]

    assert len(told) > 1
    assert len(set(told)) == 1, set(told)
