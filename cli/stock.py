"""What is stored for every release, and what may become of it: read anew, decided in one place."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cli.errors import UnusableError
from cli.expiry import Expiry
from sluice.adapters.ledger.releases import Releases
from sluice.adapters.ledger.targets import Targets
from sluice.adapters.registry import Registry
from sluice.domain.attestation import ENVELOPE
from sluice.domain.inbox import CONFIG_INBOX, INBOX, folder_path
from sluice.domain.manifest import MANIFEST, VAULT
from sluice.domain.release import System
from sluice.domain.retention import Known, fates, targets_of
from sluice.domain.serving import parse_serving, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cli.expiry import StoredVersion
    from cli.stack import Connection
    from sluice.domain.release import ApprovalStatus, Release, ReleaseName
    from sluice.domain.retention import Fate, Terms
    from sluice.domain.target import TargetState

PROOFS = (MANIFEST, ENVELOPE)
"""What stays in the vault for ever: it is small, and says what the rest was."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in one look at the ledger and the registry."""

    fates: tuple[Fate, ...]
    """Of the releases that were asked about."""
    states: dict[str, TargetState]
    """Of every target, as they were when that was decided."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a release takes up."""

    vault: list[StoredVersion]
    """What could be freed of it: everything but its proofs."""
    inbox: list[StoredVersion]
    folder: str
    """Its version folder."""


class Stock:
    """Ledger, registry and bucket, as far as retention goes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.table = connection.table()
        self.releases, self.targets = Releases(self.table), Targets(self.table)

    def look(self, group: str, *, terms: Terms, now: datetime) -> Look:
        """What may become of the group's releases, or of all where none is named.

        Raises UnusableError for a group without any.
        """
        groups = self.releases.groups()
        if group and group not in groups:
            message = f"the ledger has no group {group!r}: it knows {', '.join(groups) or 'none'}"
            raise UnusableError(message)
        found = [one for name in groups for one in self.releases.of_group(name)]
        states = self._states(found)
        known = Known(groups=frozenset({group}) if group else None)
        first = fates(found, states.values(), terms=terms, now=now, known=known)
        free = [one.release for one in first if one.free]
        known = Known(groups=known.groups, unobserved=dict(self._unobserved(free)))
        decided = fates(found, states.values(), terms=terms, now=now, known=known)
        return Look(tuple(one for one in decided if group in {"", one.release.name.group}), states)

    def stored(self, releases: Sequence[Release]) -> dict[ReleaseName, Stored]:
        """What each of these releases takes up in vault and inbox: one list for each group."""
        folders = {name: folder for folder, name in self.releases.claimed_folders().items()}
        found: dict[ReleaseName, Stored] = {}
        listed = self._listed(releases)
        for one in releases:
            bucket, prefix = vault_folder(one)
            inbox = folders.get(one.name) or folder_path(one.name)
            vault = [held for held in listed[bucket, prefix] if not _is_proof(held, prefix)]
            found[one.name] = Stored(vault, listed[bucket, f"{inbox}/"], inbox)
        return found

    def _listed(self, releases: Sequence[Release]) -> dict[tuple[str, str], list[StoredVersion]]:
        """Everything stored of the groups of these releases, by bucket and version folder."""
        listed: dict[tuple[str, str], list[StoredVersion]] = defaultdict(list)
        for bucket, prefix in sorted({one for release in releases for one in _prefixes(release)}):
            for held in self.expiry.under(bucket, prefix):
                listed[bucket, _folder(held.key)].append(held)
        return listed

    def objects(self, release: Release) -> list[StoredVersion]:
        """Every version in the release's folder of the vault that may be freed."""
        bucket, prefix = vault_folder(release)
        return [one for one in self.expiry.under(bucket, prefix) if not _is_proof(one, prefix)]

    @cached_property
    def expiry(self) -> Expiry:
        """The bucket."""
        return Expiry(self._connection.s3())

    def _states(self, releases: Sequence[Release]) -> dict[str, TargetState]:
        """The state of every target there is, and of every one that a release might come to."""
        named = {*self.targets.known(), *(one for each in releases for one in targets_of(each))}
        read = ((target, self.targets.read(target)) for target in sorted(named))
        return {target: state for target, state in read if state}

    def _unobserved(self, free: Sequence[Release]) -> Iterator[tuple[ReleaseName, ApprovalStatus]]:
        """What was decided in the registry and not yet taken up; a deleted package is nothing."""
        registry = Registry(self._connection.client("sagemaker"))
        for one in free:
            package = registry.find(one.package_arn) if one.package_arn else None
            if package and package.approval is not one.approval:
                yield one.name, package.approval


def bucket_of(release: Release) -> str:
    """Where the release's bytes are."""
    return vault_folder(release)[0]


def vault_folder(release: Release) -> tuple[str, str]:
    """The bucket, and what the keys of the release's objects in the vault begin with."""
    place = parse_serving(serving(release.manifest_uri, release.digest))
    return place.bucket, place.beside("")


def _prefixes(release: Release) -> Iterator[tuple[str, str]]:
    """What the keys of everything that is stored of the release's group begin with."""
    bucket, group = bucket_of(release), release.name.group
    yield bucket, f"{VAULT}{group}/"
    yield bucket, CONFIG_INBOX if release.system is System.BEDROCK else f"{INBOX}{group}-v"


def _folder(key: str) -> str:
    """The version folder that a key lies in: three parts of it in the vault, two in an inbox."""
    parts = 3 if key.startswith(VAULT) else 2
    return "/".join(key.split("/")[:parts]) + "/"


def _is_proof(held: StoredVersion, prefix: str) -> bool:
    return held.key.removeprefix(prefix) in PROOFS
