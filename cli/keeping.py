"""What is kept, and what it is made of: how that is asked on the command line."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from cli.bills import bom

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Callable

_BOM = """\
What a release is made of, as a CycloneDX 1.6 bill of materials in JSON: model, scores, training
data, base model, image, files with their digests, or the foundation model, prompts and function of
an application. From its manifest alone: the same bytes whoever asks and whenever.

Exit codes: 0, done; 2, the release or its manifest could not be read.
"""


def add_keeping(
    commands: _SubParsersAction[ArgumentParser], connect: Callable[[ArgumentParser], None]
) -> None:
    """Add the commands; `connect` adds what says where the ledger is."""
    text = "what a release is made of, as a CycloneDX bill of materials"
    parser = commands.add_parser(
        "bom", help=text, description=_BOM, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("release", metavar="RELEASE", help="GROUP-vN, as churn-v4")
    parser.add_argument("--output", default="", metavar="FILE", help="write it there (stdout)")
    connect(parser)
    parser.set_defaults(run=bom)
