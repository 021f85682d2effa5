"""How `sluice reproduce` is asked on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.commands import command, connect, patience, trusted_keys
from cli.errors import DONE, NO, TOO_LATE
from cli.reproducing import reproduce

if TYPE_CHECKING:
    from cli.commands import Commands

_REPRODUCE = """\
Build a release again, from vault and registry alone: the ledger may be lost. Where it is there, it
is compared.

Written is a folder: template.json, a CloudFormation template with everything that a rollout gives
SageMaker; manifest.json and its signature, manifest.dsse.json; README.txt with the digests, and
with what another account needs. Each object in the vault is held against the manifest first, and
that against its signature; where one is missing or another, it is named and nothing is written.

With --deploy the template becomes a stack under another name, and the original is never touched.
Then both are proved to be the same: all that SageMaker tells of the reproduction is equal to what
the manifest says, and to what it tells of the original where that still serves, but for names,
ARNs and times. --check proves that again, of a reproduction that is there.
"""


def add_reproduction(commands: Commands) -> None:
    """Add the command."""
    exits = {
        DONE: "done, and the same",
        NO: "something is missing or another, or it was refused",
        TOO_LATE: "it was not done in time, or something could not be read",
    }
    text = "build a release again from vault and registry, and prove that it is the same"
    parser = command(commands, "reproduce", text, exits=exits, more=_REPRODUCE)
    parser.add_argument("release", metavar="RELEASE", help="GROUP-vN, or the ARN of its package")
    parser.add_argument("--output", default="", metavar="DIR", help="the folder (RELEASE)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--deploy", action="store_true", help="also build it, and compare")
    what.add_argument("--check", action="store_true", help="only compare what was built")
    parser.add_argument("--name", default="", help="of stack and endpoint (RELEASE-reproduced)")
    role = "what the model runs as (its config's, else the stack's)"
    parser.add_argument("--role", default="", metavar="ARN", help=role)
    vault = "a copy of the release's folder, s3://BUCKET/FOLDER/"
    parser.add_argument("--vault", default="", metavar="URI", help=vault)
    parser.add_argument("--image", default="", metavar="URI", help="a copy, of the same digest")
    trusted_keys(parser)
    code = "where an application's code.zip is put for --deploy"
    parser.add_argument("--code", default="", metavar="s3://BUCKET/KEY", help=code)
    parser.add_argument("--profile", default="", help="of the account to build it in")
    parser.add_argument("--to-region", default="", metavar="REGION", help="to build it in")
    patience(parser)
    connect(parser)
    parser.set_defaults(run=reproduce)
