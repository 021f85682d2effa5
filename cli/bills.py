"""`sluice bom`: what a release is made of, as a CycloneDX bill of materials."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import DONE, UnusableError
from cli.facts import Facts
from cli.sides import registered
from cli.stack import Connection
from cli.telling import say
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.bill import bill, spelled

if TYPE_CHECKING:
    from argparse import Namespace


def bom(options: Namespace) -> int:
    """Print the bill, or write it to a file. Raises UnusableError."""
    facts = Facts(Connection(options))
    release = registered(facts, options.release)
    text = facts.text(release.name, release.manifest_uri, release.digest)
    manifest = parse_any_manifest(text, digest=release.digest)
    document = bill(
        manifest, release.digest, registered_at=release.registered_at or release.claimed_at
    )
    if not options.output:
        sys.stdout.write(spelled(document))
        return DONE
    try:
        Path(options.output).write_text(spelled(document), encoding="utf-8")
    except OSError as error:
        message = f"{options.output} cannot be written: {error}"
        raise UnusableError(message) from error
    say(f"{release.name}: {options.output}, {len(document['components'])} components")
    return DONE
