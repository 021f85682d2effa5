"""`sluice export`: what proves a release, in a folder that needs no AWS."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cli.artifacts import fetch
from cli.errors import DONE, RefusedError, UnusableError
from cli.facts import Facts
from cli.readmes import readme
from cli.sides import registered
from cli.stack import Connection
from cli.surroundings import attesting
from cli.telling import say
from sluice.attesting import Attested
from sluice.domain.attestation import ENVELOPE, trusted
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.envelope import parse_envelope
from sluice.domain.manifest import MANIFEST
from sluice.domain.verifying import Unread

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.release import Release

KEY, README, ARTIFACTS = "public-key.pem", "README.txt", "artifacts"
_LINE = 64


def export(options: Namespace) -> int:
    """Write the folder. Raises RefusedError for what is not signed, and UnusableError."""
    connection = Connection(options)
    facts = Facts(connection)
    release = registered(facts, options.release)
    folder = Path(options.output)
    attested = _attested(facts, release)
    envelope = _envelope(connection, attested)
    keyid = trusted(parse_envelope(envelope), connection.trusted_keys())[0].keyid
    written = {
        MANIFEST: attested.text.encode("utf-8"),
        ENVELOPE: envelope,
        KEY: _public_key(connection, keyid),
        README: readme(attested, keyid).encode("utf-8"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in written.items():
            (folder / name).write_bytes(content)
        copies = facts.copies(release.name) if options.artifacts else ()
        to = folder / ARTIFACTS
        fetched = (
            fetch(connection.s3(), attested.manifest, copies, to=to) if options.artifacts else 0
        )
    except (OSError, BotoCoreError, ClientError) as error:
        message = f"{options.output} is not complete: {error}; run it again to go on"
        raise UnusableError(message) from error
    say(f"{release.name}: {folder}, signed by {keyid}")
    if options.artifacts:
        say(f"  {len(copies)} artifacts, {fetched} of them fetched now")
    return DONE


def _attested(facts: Facts, release: Release) -> Attested:
    text = facts.text(release.name, release.manifest_uri, release.digest)
    manifest = parse_any_manifest(text, digest=release.digest)
    return Attested(release.name, release.digest, text, manifest)


def _envelope(connection: Connection, attested: Attested) -> bytes:
    """The envelope, once it is verified. Raises RefusedError and UnusableError."""
    found = attesting(connection)
    if isinstance(found, Unread):
        raise UnusableError(found.reason)
    try:
        complaint = found.complaint(attested)
        answer = complaint or connection.s3().get_object(
            Bucket=attested.manifest.bucket, Key=attested.key
        )
    except (BotoCoreError, ClientError) as error:
        message = f"the signature of {attested.release} cannot be read or verified: {error}"
        raise UnusableError(message) from error
    if isinstance(answer, str):
        raise RefusedError(complaint)
    return answer["Body"].read()


def _public_key(connection: Connection, keyid: str) -> bytes:
    """The key as PEM: its DER in Base64, 64 characters a line (RFC 7468)."""
    try:
        der = connection.client("kms").get_public_key(KeyId=keyid)["PublicKey"]
    except (BotoCoreError, ClientError) as error:
        message = f"the public key of {keyid} cannot be read: {error}"
        raise UnusableError(message) from error
    text = base64.b64encode(der).decode("ascii")
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    framed = ["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]
    return "\n".join(framed).encode("ascii")
