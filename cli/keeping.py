"""What is kept, and what it is made of: how that is asked on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.bills import bom
from cli.commands import RELEASE, answering, command, connect, trusted_keys, whole, word
from cli.errors import DONE, NO, UNUSABLE
from cli.exports import export
from cli.retention import retention
from sluice.domain.retention import GRACE, Terms

if TYPE_CHECKING:
    from cli.commands import Commands

TERMS = Terms()
_BOM = """\
What a release is made of, as a CycloneDX 1.6 bill of materials in JSON: model, scores, training
data, base model, image, files with their digests, or the foundation model, prompts and function of
an application. From its manifest alone: the same bytes whoever asks and whenever.
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
"""
_EXPORT = """\
Write a release's manifest, the signed envelope (DSSE, in-toto) and the public key to a folder, with
a README.txt that says how others verify them. With --artifacts the captured objects, too; what lies
there with its digest is not fetched again.
"""


def add_keeping(commands: Commands) -> None:
    """Add the commands."""
    _add_bom(commands)
    _add_retention(commands)
    _add_export(commands)


def _add_bom(commands: Commands) -> None:
    exits = {DONE: "done", UNUSABLE: "the release or its manifest could not be read"}
    text = "what a release is made of, as a CycloneDX bill of materials"
    parser = command(commands, "bom", text, exits=exits, more=_BOM)
    parser.add_argument("release", metavar="RELEASE", help=RELEASE)
    parser.add_argument("--output", default="", metavar="FILE", help="write it there (stdout)")
    connect(parser)
    parser.set_defaults(run=bom)


def _add_retention(commands: Commands) -> None:
    exits = {DONE: "told, or done", NO: "refused, or not all was done"}
    text = "which releases' bytes could be freed, and why each other is kept"
    parser = command(commands, "retention", text, exits=exits, more=_RETENTION)
    parser.add_argument("--group", default="", metavar="GROUP", help="releases of one group")
    parser.add_argument("--all", action="store_true", help="releases of every group")
    parser.add_argument("--undo", default="", metavar="RELEASE", help="take a retirement back")
    for name, count, metavar, said in (
        ("--keep", TERMS.newest, "N", "the newest of each group stay (%(default)s)"),
        ("--older-than", TERMS.younger.days, "DAYS", "younger ones stay (%(default)s); 0: none"),
        ("--grace", GRACE.days, "DAYS", "from being retired to being tagged (%(default)s)"),
    ):
        parser.add_argument(name, type=whole, default=count, metavar=metavar, help=said)
    parser.add_argument("--images", action="store_true", help="also list images still needed")
    parser.add_argument("--apply", action="store_true", help="retire what could be freed, and tag")
    word(parser)
    answering(parser)
    connect(parser)
    parser.set_defaults(run=retention)


def _add_export(commands: Commands) -> None:
    unread = "something could not be read or written"
    exits = {DONE: "done", NO: "no trusted key has signed it", UNUSABLE: unread}
    text = "a release's signed manifest with what verifies it anywhere"
    parser = command(commands, "export", text, exits=exits, more=_EXPORT)
    parser.add_argument("release", metavar="RELEASE", help=RELEASE)
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--artifacts", action="store_true", help="with the objects of the vault")
    trusted_keys(parser)
    connect(parser)
    parser.set_defaults(run=export)
