"""`sluice COMMAND …`, or `python -m cli COMMAND …`.

Exit codes: 0, it is so or was done; 1, it is not so or was refused; 2, it could not be asked.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent / "layers" / "shared"))

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import NO, UNUSABLE, RefusedError, UnusableError
from cli.plans import plan
from cli.replaying import replay
from cli.words import speak
from sluice.domain.holding import Saying

if TYPE_CHECKING:
    from collections.abc import Sequence

_TARGET = "endpoint/NAME or application/NAME; NAME alone is an endpoint's"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except RefusedError as error:
        print(f"sluice: refused: {error}", file=sys.stderr)
        return NO
    except (UnusableError, BotoCoreError, ClientError) as error:
        print(f"sluice: {error}", file=sys.stderr)
        return UNUSABLE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_replay(commands)
    _add_plan(commands)
    _add_word(commands, Saying.PROMOTE, "let a held step pass, for a person's reasons")
    _add_word(commands, Saying.ABORT, "return all traffic; the version is not marked bad")
    return parser


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "judge stored evidence again and compare: 0, the same byte for byte; 1, different"
    parser = commands.add_parser("replay", help=text, description=text)
    parser.add_argument("evidence", metavar="FILE|TARGET", help="a file of evidence, or a target")
    parser.add_argument("--rollout", default="", help="one rollout of the target, by execution")
    parser.add_argument("--save", metavar="FOLDER", help="also write the evidence there, as files")
    _connect(parser)
    parser.set_defaults(run=replay)


def _add_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "what was foreseen of a rollout: how long proof takes, and what is never decided"
    parser = commands.add_parser("plan", help=text, description=text)
    parser.add_argument("target", metavar="TARGET", help=_TARGET)
    parser.add_argument("--rollout", default="", help="by execution (default: the one in flight)")
    _connect(parser)
    parser.set_defaults(run=plan)


def _add_word(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], saying: Saying, text: str
) -> None:
    parser = commands.add_parser(saying, help=text, description=text)
    parser.add_argument("target", metavar="TARGET", help=_TARGET)
    parser.add_argument("--why", default="", help="what the history is to say")
    parser.add_argument("--by", default="", help="whose word it is (default: the caller's ARN)")
    _connect(parser)
    parser.set_defaults(run=speak)


def _connect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", default="", help="of Sluice (SLUICE_STACK; sluice)")
    parser.add_argument("--table", default="", help="the ledger's, without a stack (SLUICE_TABLE)")
    parser.add_argument("--region", default=None, help="of AWS (AWS_REGION)")


if __name__ == "__main__":
    sys.exit(main())
