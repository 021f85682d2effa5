"""What is kept, and what it is made of: how that is asked on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from cli.bills import bom
from cli.exports import export
from cli.retention import retention
from sluice.domain.retention import GRACE, Terms

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Callable

TERMS = Terms()
_BOM = """\
What a release is made of, as a CycloneDX 1.6 bill of materials in JSON: model, scores, training
data, base model, image, files with their digests, or the foundation model, prompts and function of
an application. From its manifest alone: the same bytes whoever asks and whenever.

Exit codes: 0, done; 2, the release or its manifest could not be read.
"""

_RETENTION = """\
What could be freed: the bytes of releases that nothing needs. Kept are those that serve, may be
gone back to, have a part in a rollout, are wanted next, wait for a decision, may still stand on an
endpoint, move with one that is kept, are young, or among the newest of their group; each with why.
It says, too, what lies in the inbox although the vault has copies.

--apply retires them: the ledger says so, and they are deployed no more. Their objects in the vault
are tagged by the first --apply that comes --grace DAYS later; the bucket then hides what is tagged
within a day or two, and deletes it 30 days after that. Manifest and signature stay. Until S3 has
hidden them, --undo RELEASE takes all of it back. Who tags must be named in the stack's parameter
RetentionRoleArns.

Exit codes: 0, told, or done; 1, refused, or not all was done; 2, it could not be asked.
"""


_EXPORT = """\
Write a release's manifest, the signed envelope (DSSE, in-toto) and the public key to a folder, with
a README.txt that says how others verify them. With --artifacts the captured objects, too; what lies
there with its digest is not fetched again.

Exit codes: 0, done; 1, no trusted key has signed it; 2, something could not be read or written.
"""


def add_keeping(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    """Add the commands; `connect` adds what says where the ledger is."""
    _add_bom(commands, connect)
    _add_retention(commands, connect)
    _add_export(commands, connect)


def _add_bom(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    text = "what a release is made of, as a CycloneDX bill of materials"
    parser = commands.add_parser(
        "bom", help=text, description=_BOM, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("release", metavar="RELEASE", help="GROUP-vN, as churn-v4")
    parser.add_argument("--output", default="", metavar="FILE", help="write it there (stdout)")
    connect(parser)
    parser.set_defaults(run=bom)


def _add_retention(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    parser = commands.add_parser(
        "retention",
        help="which releases' bytes could be freed, and why each other is kept",
        description=_RETENTION,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--group", default="", metavar="GROUP", help="releases of one group")
    parser.add_argument("--all", action="store_true", help="releases of every group")
    parser.add_argument("--undo", default="", metavar="RELEASE", help="take a retirement back")
    for name, count, metavar, text in (
        ("--keep", TERMS.newest, "N", "the newest of each group stay (%(default)s)"),
        ("--older-than", TERMS.younger.days, "DAYS", "younger ones stay (%(default)s); 0: none"),
        ("--grace", GRACE.days, "DAYS", "from being retired to being tagged (%(default)s)"),
    ):
        parser.add_argument(name, type=_count, default=count, metavar=metavar, help=text)
    parser.add_argument("--images", action="store_true", help="also list images still needed")
    parser.add_argument("--apply", action="store_true", help="retire what could be freed, and tag")
    parser.add_argument("--why", default="", help="what the ledger is to say")
    parser.add_argument("--by", default="", help="who says so (default: the caller's ARN)")
    parser.add_argument("--json", action="store_true", help="answer as one JSON document")
    connect(parser)
    parser.set_defaults(run=retention)


def _count(text: str) -> int:
    if not text.isdecimal():
        message = f"{text!r} is no whole number from 0 on"
        raise ArgumentTypeError(message)
    return int(text)


def _add_export(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    text = "a release's signed manifest with what verifies it anywhere"
    parser = commands.add_parser(
        "export", help=text, description=_EXPORT, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("release", metavar="RELEASE", help="GROUP-vN, as churn-v4")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--artifacts", action="store_true", help="with the objects of the vault")
    keys = "ARNs of the keys that are trusted, without a stack (SLUICE_TRUSTED_KEYS)"
    parser.add_argument("--trusted-keys", default="", metavar="ARN,…", help=keys)
    connect(parser)
    parser.set_defaults(run=export)
