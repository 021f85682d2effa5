"""`sluice verify --bundle`: an exported release, verified without AWS, with a key from elsewhere.

The signature is verified by securesystemslib, not by us.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cli.artifacts import placed, sha256_of
from cli.errors import DONE, NO, UnusableError
from cli.exports import ARTIFACTS
from cli.telling import say
from sluice.domain.attestation import (
    ENVELOPE,
    INVALID,
    OTHERWISE,
    UNREADABLE,
    digests,
    statement_complaint,
)
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.envelope import EnvelopeError, parse_envelope
from sluice.domain.manifest import MANIFEST, digest_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.envelope import Envelope


def offline(options: Namespace) -> int:
    """0: signed by the key's owner, and so are the artifacts that are there; 1: something is not.

    Raises UnusableError where nothing can be verified.
    """
    if options.target or options.all or not (options.key and options.bundle):
        message = (
            "--bundle DIR takes no TARGET, and --key FILE beside it: the public key of whoever "
            "must have signed it, known from elsewhere than the bundle"
        )
        raise UnusableError(message)
    folder = Path(options.bundle)
    envelope, text = _read(folder / ENVELOPE), _read(folder / MANIFEST)
    manifest = _manifest(text)
    complaint = _complaint(envelope, text, manifest, key=_read(Path(options.key)))
    amiss, unproved = [complaint] if complaint else [], list[str]()
    if manifest and not amiss:
        unproved += _artifacts(folder / ARTIFACTS, manifest, amiss)
    _tell(str(manifest.release if manifest else folder), amiss, unproved, as_json=options.json)
    return NO if amiss else DONE


def _complaint(data: bytes, text: bytes, manifest: AnyManifest | None, *, key: bytes) -> str:
    """What is wrong with the signature, or with what it is about; or nothing."""
    try:
        envelope = parse_envelope(data)
    except EnvelopeError as error:
        return f"{UNREADABLE}: {error}"
    if not _verified(envelope, key):
        return f"{INVALID}: the owner of that key has not signed it"
    if manifest is None:
        return f"{OTHERWISE}: {MANIFEST} is no manifest"
    said, objects = text.decode("utf-8"), manifest.objects
    return statement_complaint(envelope, said, digest=digest_of(said), objects=objects)


def _verified(envelope: Envelope, key: bytes) -> bool:
    """Whether the key verifies a signature of the envelope. Raises UnusableError."""
    try:
        from cli.signatures import verified  # noqa: PLC0415 - the library is needed here alone
    except ImportError as error:
        message = 'without AWS it takes a library: pip install "securesystemslib[crypto]"'
        raise UnusableError(message) from error
    return verified(envelope, key)


def _artifacts(folder: Path, manifest: AnyManifest, amiss: list[str]) -> Iterator[str]:
    """What could not be proved of the artifacts; what is proved wrong is added to `amiss`."""
    captured = {one.name: one for one in manifest.objects}
    for name, one in captured.items():
        path, wanted = placed(folder, name), digests(one)
        if not path.is_file():
            yield f"{name} is not in the bundle"
        elif "sha256" not in wanted:
            amiss += [f"{name} has another size"] if path.stat().st_size != one.size else []
            yield f"{name} has no SHA-256 in the statement, only {', '.join(wanted)}"
        elif sha256_of(path) != wanted["sha256"]:
            amiss.append(f"{name} has other bytes than those that were signed")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in captured:
            amiss.append(f"{name} was never signed")


def _tell(release: str, amiss: list[str], unproved: list[str], *, as_json: bool) -> None:
    if as_json:
        answer = {"release": release, "as_signed": not amiss, "amiss": amiss, "unproved": unproved}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    say(f"{release}: {'not what was signed' if amiss else 'as signed'}")
    for one in amiss:
        say(f"  {one}")
    for one in unproved:
        say(f"  unproved: {one}")


def _manifest(text: bytes) -> AnyManifest | None:
    try:
        said = text.decode("utf-8")
        return parse_any_manifest(said, digest=digest_of(said))
    except (ValueError, AttributeError, RecursionError):  # no UTF-8, no JSON, or of something else
        return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error}"
        raise UnusableError(message) from error
