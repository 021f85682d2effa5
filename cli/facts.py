"""What ledger and vault know of a release: its manifest, and who approved it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import UnusableError
from cli.people import People
from sluice.adapters.ledger.releases import Releases
from sluice.domain.approval import AGAINST
from sluice.domain.manifest import digest_of
from sluice.domain.release import ApprovalStatus
from sluice.domain.serving import parse_serving, serving
from sluice.domain.values import iso

if TYPE_CHECKING:
    from cli.stack import Connection
    from sluice.domain.history import Entry
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.rollout import Deployed
    from sluice.domain.vault import VaultCopy


class Facts:
    """Reads on demand, and each thing once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, dict[str, Any]] = {}
        self._named: dict[ReleaseName, Release | None] = {}

    def manifest(self, live: Deployed) -> dict[str, Any]:
        """What the release's manifest says, by its digest: from the ledger, else from the vault.

        Raises UnusableError where neither has those bytes.
        """
        if live.digest not in self._known:
            text = self.text(live.release, live.manifest_uri, live.digest)
            self._known[live.digest] = json.loads(text)
        return self._known[live.digest]

    def text(self, name: ReleaseName, uri: str, digest: str) -> str:
        """The manifest with this digest, from the ledger, else from the vault.

        Raises UnusableError where neither has those bytes.
        """
        kept = self._in_ledger(name)
        return kept if digest_of(kept) == digest else self.vaulted(name, uri, digest)

    def vaulted(self, name: ReleaseName, uri: str, digest: str) -> str:
        """The manifest's text as the vault has it. Raises UnusableError unless it is that one."""
        try:
            found = parse_serving(serving(uri, digest))
            answer = self._connection.s3().get_object(Bucket=found.bucket, Key=found.key)
            text = answer["Body"].read().decode()
        except (BotoCoreError, ClientError, ValueError) as error:
            message = f"the manifest of {name} cannot be read: {error}"
            raise UnusableError(message) from error
        if digest_of(text) != digest:
            message = f"{uri} has not the digest {digest} any more"
            raise UnusableError(message)
        return text

    def approved(self, said: Entry | None) -> dict[str, Any] | None:
        """Who approved, by the entry that says so, and when, by the release's own record."""
        if said is None or said.release is None:
            return None
        if said.release not in self._named:
            self._named[said.release] = self.releases.get(said.release)
        release = self._named[said.release]
        seen = [
            one
            for one in (release.approvals if release else ())
            if one.status is ApprovalStatus.APPROVED and one.observed_at <= said.at
        ]
        by, _, against = said.reason.removeprefix("approved by ").partition(AGAINST)
        known = seen[-1].model_dump(mode="json") if seen else {}
        return {
            "by": by,
            "at": known.get("last_modified"),
            "seen_at": iso(said.at),
            "entry": said.n,
            **({"against": against} if against else {}),
            **({"approver": self.people.approved(release, seen[-1])} if release and seen else {}),
        }

    def copies(self, name: ReleaseName) -> tuple[VaultCopy, ...]:
        """What the ledger knows of the release's copies in the vault."""
        try:
            return self.releases.captured(name).copies
        except KeyError:
            return ()

    def _in_ledger(self, name: ReleaseName) -> str:
        try:
            return self.releases.captured(name).manifest
        except KeyError:
            return ""

    @cached_property
    def people(self) -> People:
        """Who pushed and who approved."""
        return People(self._connection.table())

    @cached_property
    def releases(self) -> Releases:
        """The releases in the ledger."""
        return Releases(self._connection.table())
