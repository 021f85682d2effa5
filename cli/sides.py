"""One side of a comparison: a release with its manifest and its texts, as the vault has them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import UnusableError
from cli.stack import target_named
from sluice.adapters.ledger.targets import Targets
from sluice.domain.release import Capture, named
from sluice.domain.serving import parse_serving, serving

if TYPE_CHECKING:
    from cli.facts import Facts
    from cli.stack import Connection
    from sluice.domain.release import Release, ReleaseName

LARGEST_TEXT = 4 * 1024 * 1024
"""Bytes of a text that is compared line by line."""


class UntoldError(Exception):
    """A text cannot be shown line by line; the message says why."""


@dataclass(frozen=True, slots=True)
class Side:
    """A release, by the digest of its manifest."""

    release: ReleaseName
    digest: str
    uri: str
    manifest: dict[str, Any]

    @property
    def label(self) -> str:
        """What it is called in an answer."""
        return str(self.release)

    def object(self, name: str) -> dict[str, Any] | None:
        """What the manifest records of an object."""
        found = (one for one in self.manifest.get("objects") or () if one.get("name") == name)
        return next(found, None)


def registered(facts: Facts, text: str) -> Release:
    """The registered release that `text` names. Raises UnusableError."""
    try:
        name = named(text)
    except ValueError as error:
        message = f"{text!r} names no release: write its group and number, churn-v4"
        raise UnusableError(message) from error
    release = facts.releases.get(name)
    if release is None:
        message = f"the ledger knows no release {text!r}"
        raise UnusableError(message)
    if release.capture is not Capture.REGISTERED:
        message = f"{text} is not registered yet: its bytes are on their way into the vault"
        raise UnusableError(message)
    return release


class Sides:
    """Releases, read from ledger and vault."""

    def __init__(self, connection: Connection, facts: Facts) -> None:
        self._connection, self._facts = connection, facts

    def named(self, text: str) -> Side:
        """The release that `text` names. Raises UnusableError."""
        release = registered(self._facts, text)
        return self._side(release.name, release.digest, release.manifest_uri)

    def live(self, text: str) -> Side:
        """What serves the target. Raises UnusableError where nothing does."""
        target = target_named(text)
        state = Targets(self._connection.table()).read(target)
        if state is None or state.live is None:
            message = f"nothing serves {target}"
            raise UnusableError(message)
        live = state.live
        return self._side(live.release, live.digest, live.manifest_uri)

    def text(self, side: Side, name: str) -> str:
        """A text of the release, its bytes held against what was captured.

        Raises UntoldError where it cannot be shown, UnusableError where the bytes are others.
        """
        captured = side.object(name)
        if captured is None:
            raise UntoldError(f"{side.label} names {name} and has no such object")
        if captured["size"] > LARGEST_TEXT:
            raise UntoldError(f"{name} has {captured['size']} bytes, {LARGEST_TEXT} are shown")
        data = self._checked(side, captured)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise UntoldError(f"{name} of {side.label} is no text in UTF-8") from error

    def _side(self, name: ReleaseName, digest: str, uri: str) -> Side:
        return Side(name, digest, uri, json.loads(self._facts.vaulted(name, uri, digest)))

    def _checked(self, side: Side, captured: dict[str, Any]) -> bytes:
        """The object's bytes; scripts have no SHA-256 in their manifest, so their copy's is used.

        Where the copy has none either, S3 compares: what it wrote then has that ETag.
        """
        name = captured["name"]
        copies = self._facts.copies(side.release)
        copy = next((one for one in copies if one.name == name), None)
        known = captured.get("sha256") or (copy.sha256 if copy else "")
        if not known and copy is None:
            raise UntoldError(f"neither SHA-256 nor copy of {name} was recorded")
        data = self._bytes(side, name, **({"IfMatch": f'"{copy.etag}"'} if copy else {}))
        if known and hashlib.sha256(data).hexdigest() != known:
            message = f"{name} of {side.label} is not in the vault as it was captured"
            raise UnusableError(message)
        return data

    def _bytes(self, side: Side, name: str, **condition: Any) -> bytes:
        place = parse_serving(serving(side.uri, side.digest))
        try:
            answer = self._connection.s3().get_object(
                Bucket=place.bucket, Key=place.beside(name), **condition
            )
            data: bytes = answer["Body"].read(LARGEST_TEXT + 1)
        except ClientError as error:
            refused = error.response["Error"]["Code"] == "PreconditionFailed"
            said = (
                "is not in the vault as it was captured" if refused else f"cannot be read: {error}"
            )
            message = f"{name} of {side.label} {said}"
            raise UnusableError(message) from error
        except BotoCoreError as error:
            message = f"{name} of {side.label} cannot be read: {error}"
            raise UnusableError(message) from error
        return data
