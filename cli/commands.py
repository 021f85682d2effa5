"""How a command stands on the command line: its help, its exit codes, what several of them take."""

from __future__ import annotations

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from cli.errors import UNUSABLE

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Mapping

    type Commands = _SubParsersAction[ArgumentParser]

TARGET = "endpoint/NAME or application/NAME; NAME alone is an endpoint's"
RELEASE = "GROUP-vN, as churn-v4"
POLICY_FILE = "another evaluation policy than that of this repository"
_UNUSABLE = "it could not be asked: a wrong option, nothing of that name, no stack or credentials"


def command(
    commands: Commands, name: str, text: str, *, exits: Mapping[int, str], more: str = ""
) -> ArgumentParser:
    """Add a command; `text` is said of it among the others, `more` by its own help.

    `exits` says what each exit code means to a script. UNUSABLE is every command's and need not be
    said.
    """
    means = {UNUSABLE: _UNUSABLE, **exits}
    return commands.add_parser(
        name,
        help=text,
        description=more or text,
        epilog="\n".join(["exit codes:", *(f"  {code}  {means[code]}" for code in sorted(means))]),
        formatter_class=RawDescriptionHelpFormatter,
    )


def connect(parser: ArgumentParser) -> None:
    """Add what says where the ledger is."""
    parser.add_argument("--stack", default="", help="Sluice's stack (SLUICE_STACK, else sluice)")
    parser.add_argument("--table", default="", help="the ledger, without a stack (SLUICE_TABLE)")
    parser.add_argument("--region", default=None, help="(AWS_REGION, else the profile's)")


def patience(parser: ArgumentParser) -> None:
    """Add what says how long to wait, and how the outcome is told."""
    parser.add_argument(
        "--timeout",
        type=_at_least_0,
        default=60.0,
        metavar="MINUTES",
        help="to wait; 0: look once (%(default)g)",
    )
    parser.add_argument(
        "--every",
        type=_at_least_0,
        default=10.0,
        metavar="SECONDS",
        help="between two looks, give or take half (%(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="the outcome as one JSON object")


def answering(parser: ArgumentParser) -> None:
    """Add what says how a question is answered."""
    parser.add_argument("--json", action="store_true", help="answer as one JSON document")


def targets(parser: ArgumentParser) -> None:
    """Add the targets that are asked about, or all."""
    parser.add_argument("target", nargs="*", metavar="TARGET", help=TARGET)
    parser.add_argument("--all", action="store_true", help="every target that was ever approved")


def trusted_keys(parser: ArgumentParser) -> None:
    """Add what says whose signatures count, without a stack."""
    text = "ARNs of the keys that are trusted, without a stack (SLUICE_TRUSTED_KEYS)"
    parser.add_argument("--trusted-keys", default="", metavar="ARN,…", help=text)


def serving_role(parser: ArgumentParser) -> None:
    """Add what says as what models run, without a stack."""
    text = "ARN of what models run as, without a stack (SLUICE_SERVING_ROLE)"
    parser.add_argument("--serving-role", default="", metavar="ARN", help=text)


def word(parser: ArgumentParser, *, must: bool = False) -> None:
    """Add what a person's word is kept with."""
    parser.add_argument("--why", default="", required=must, help="what the ledger is to say")
    parser.add_argument("--by", default="", help="whose word it is (default: the caller's ARN)")


def whole(text: str) -> int:
    """A whole number from 0 on. Raises ArgumentTypeError."""
    if not text.isdecimal():
        message = f"{text!r} is no whole number from 0 on"
        raise ArgumentTypeError(message)
    return int(text)


def _at_least_0(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        message = f"{text!r} is no number from 0 on"
        raise ArgumentTypeError(message)
    return value
