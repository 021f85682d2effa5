"""`sluice retention --apply` and `--undo`: releases retired in the ledger, then tagged, or back.

The ledger says it first, so that nothing is deployed whose bytes may go; only then S3 is told. What
is undone while somebody else tags is found by whoever comes last: both look again afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.errors import RefusedError
from cli.expiry import TaggingDeniedError
from cli.retirements import Retirements
from cli.stock import bucket_of
from sluice.adapters.ledger.table import ConditionFailedError
from sluice.adapters.vault import Vault
from sluice.domain.release import Retirement
from sluice.domain.retention import bundles, expires_from
from sluice.domain.values import iso

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from cli.stack import Connection
    from cli.stock import Look, Stock
    from sluice.domain.release import Release

Told = dict[str, Any]
UNDONE = frozenset({"kept", "unfinished"})
"""What became of a release that was to be retired, or to expire, and is not."""
_CHANGED = "it, or a target that could need it, changed meanwhile; it is kept: look again"


@dataclass(frozen=True)
class Retiring:
    """Who retires what, and why."""

    connection: Connection
    stock: Stock
    by: str
    why: str
    now: datetime

    def apply(self, look: Look, *, grace: timedelta) -> list[Told]:
        """Retire what could be freed, and tag what was retired long enough ago; what came of each.

        Raises RefusedError, before anything is changed, where tags could not be set.
        """
        free = [one.release for one in look.fates if one.free]
        due = [one for one in free if one.retired]
        fresh = [one for one in free if one.retired is None]
        self._try([*fresh, *due])
        told = list[Told]()
        for bundle in bundles(fresh):
            retired = self._retire(bundle, look, told)
            due.extend(retired)
        told.extend(self._expire(one, look) for one in due if self._is_due(one, grace))
        return told

    def undo(self, release: Release) -> str:
        """The release may be deployed again; in words. Raises RefusedError where it may not be."""
        if release.retired is None:
            message = f"{release.name} is not retired"
            raise RefusedError(message)
        self._untag(release)
        missing = self._missing(release)
        if missing:
            message = f"{release.name} stays retired: {missing}"
            raise RefusedError(message)
        try:
            self._retirements.take_back(release)
        except ConditionFailedError as error:
            message = f"{release.name} was changed meanwhile: ask again"
            raise RefusedError(message) from error
        self._untag(release)  # what somebody tagged in between
        return f"{release.name} is retired no more: all of it stands in the vault, nothing expires"

    def _try(self, releases: Sequence[Release]) -> None:
        """Whether tags can be set at all: one object is tagged to stay, if it says nothing yet."""
        for release in releases:
            if release.retired and release.retired.expiring_since:
                continue
            for held in self.stock.objects(release)[:1]:
                try:
                    self.stock.expiry.keep(bucket_of(release), held)
                except TaggingDeniedError as error:
                    raise RefusedError(self._denied(error)) from error
                return

    def _denied(self, error: TaggingDeniedError) -> str:
        return (
            f"{self.connection.caller()} may not tag objects of the vault ({error}). Put the ARN "
            "of an operator's role into the stack's parameter RetentionRoleArns, allow that role "
            "s3:GetObjectVersionTagging and s3:PutObjectVersionTagging on releases/*, and ask as "
            "that role. Nothing was changed"
        )

    def _retire(self, bundle: Sequence[Release], look: Look, told: list[Told]) -> list[Release]:
        retirement = Retirement(at=self.now, by=self.by, why=self.why)
        try:
            self._retirements.record(bundle, retirement, look.states)
        except ConditionFailedError:
            told.extend(_told(one, "kept", _CHANGED) for one in bundle)
            return []
        told.extend(_told(one, "retired", "") for one in bundle)
        return [one.model_copy(update={"retired": retirement}) for one in bundle]

    def _is_due(self, release: Release, grace: timedelta) -> bool:
        begins = expires_from(release, grace)
        return begins is not None and begins <= self.now

    def _expire(self, release: Release, look: Look) -> Told:
        """Tag every object of a retired release; each is tagged once however often this is done."""
        if release.retired is None:
            return _told(release, "kept", "it is not retired")
        retirement = release.retired.model_copy(
            update={"expiring_since": release.retired.expiring_since or self.now}
        )
        try:
            self._retirements.record((release,), retirement, look.states)
        except ConditionFailedError:
            return _told(release, "kept", _CHANGED)
        bucket = bucket_of(release)
        try:
            for held in self.stock.objects(release):
                self.stock.expiry.expire(bucket, held)
        except TaggingDeniedError as error:
            return _told(release, "unfinished", f"not every object could be tagged: {error}")
        latest = self.stock.releases.get(release.name)
        if latest is None or not _is(latest.retired, retirement):
            self._untag(release.model_copy(update={"retired": retirement}))
            return _told(release, "kept", "it was taken back meanwhile")
        return _told(release, "expiring", f"since {iso(retirement.expiring_since or self.now)}")

    def _untag(self, release: Release) -> None:
        """Take the tags off, of versions behind delete markers too. Raises RefusedError."""
        if release.retired is None or release.retired.expiring_since is None:
            return
        try:
            for held in self.stock.objects(release):
                self.stock.expiry.keep(bucket_of(release), held)
        except TaggingDeniedError as error:
            raise RefusedError(self._denied(error)) from error

    def _missing(self, release: Release) -> str:
        """What of the release no longer stands in the vault as it was captured, or nothing."""
        vault, bucket = Vault(self.connection.s3()), bucket_of(release)
        copies = self.stock.releases.captured(release.name).copies
        gone = [one for one in copies if not vault.holds(bucket, one)]
        kept = {(one.key, one.version_id) for one in self.stock.objects(release)}
        lost = [one.name for one in gone if (one.key, one.version_id) not in kept]
        if lost:
            return f"{', '.join(lost)} expired and cannot be brought back: push it as a new version"
        hidden = ", ".join(one.name for one in gone)
        return (
            f"S3 has put delete markers before {hidden}. Their tags are off, so their bytes stay; "
            "an administrator must delete the markers, which the statement VaultIsNeverDeleted of "
            "the bucket's policy forbids to everybody while it is there. Then ask again"
            if hidden
            else ""
        )

    @cached_property
    def _retirements(self) -> Retirements:
        return Retirements(self.stock.table, self.stock.releases, self.stock.targets)


def _is(one: Retirement | None, other: Retirement) -> bool:
    """Whether both are spelled alike: the ledger keeps milliseconds."""
    return one is not None and one.model_dump_json() == other.model_dump_json()


def _told(release: Release, became: str, reason: str) -> Told:
    return {"release": str(release.name), "became": became, "reason": reason}
