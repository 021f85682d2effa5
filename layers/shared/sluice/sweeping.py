"""Compare the inbox with the ledger: what S3's events did not tell of is offered to their queue.

Nothing is registered here. An offer goes the way of an event, one message an object, so what cannot
be handled stops nobody else, and an event that was only late finds its input ended. A run reads a
bounded part of the inbox and the next one goes on from there. At rest it writes nothing: a folder
that is registered costs a share of one query a group, an open one a query.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from sluice.adapters.ledger.records import RecordUnreadableError
from sluice.domain.bedrock_manifest import parse_any_manifest
from sluice.domain.inbox import INBOXES, Place, Upload, locate
from sluice.domain.sweep import PAGES, Cursor, Offer, came_late, due, forgotten, missed, stalled
from sluice.events.uploads import offer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sluice.adapters.artifacts import Artifacts
    from sluice.adapters.ledger.intake import Intake
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.sweeps import Sweeps
    from sluice.adapters.queue import Queue
    from sluice.domain.noted import Noted
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.sweep import Listed


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says, read once a run where it is needed."""

    claimed: Callable[[], dict[str, ReleaseName]]
    """The releases of claimed folders that are not named after theirs."""
    releases: dict[str, dict[int, Release]] = field(default_factory=dict)
    """By group and folder number."""
    unreadable: set[ReleaseName] = field(default_factory=set)
    """Those whose record says nothing: what lies in their folders is left alone."""
    folders: dict[str, dict[str, Noted]] = field(default_factory=dict)
    """What was noted in an open folder, by name."""
    broken: list[Exception] = field(default_factory=list)
    """What could not be read: it must not keep the rest waiting."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a run did."""

    looked_at: int = 0
    offered: tuple[str, ...] = ()
    stopped_at: str = ""
    """The key the next run begins after; empty when the end was reached."""


@dataclass(frozen=True, slots=True)
class Sweeping:
    """The work of `register_package` on its schedule."""

    bucket: str
    artifacts: Artifacts
    releases: Releases
    intake: Intake
    sweeps: Sweeps
    queue: Queue

    def sweep(self, *, now: datetime) -> Swept:
        """Look at the next part of the inbox; offer what the ledger has not heard of.

        Raises ExceptionGroup, after all else was offered, for what could not be looked at.
        """
        known = Known(claimed=cache(self.releases.claimed_folders))
        began, after = self.sweeps.cursor(), Cursor()
        looked_at, offered = 0, list[str]()
        pages = self.artifacts.listed(self.bucket, INBOXES, after=began)
        for page in islice(pages, PAGES):
            looked_at += len(page.objects)
            offered += self._offer(page.objects, known, now=now)
            after = page.next
        if after != began:
            self.sweeps.stop_at(after)
        if known.broken:
            message = "not everything in the inbox could be looked at"
            raise ExceptionGroup(message, known.broken)
        return Swept(looked_at, tuple(offered), after.key)

    def _offer(self, page: tuple[Listed, ...], known: Known, *, now: datetime) -> list[str]:
        lost = list[Upload]()
        for listed in page:
            with _noted_in(known.broken):
                lost += self._look_at(listed, known, now=now)
        found = {upload.identity: self.sweeps.heard_of(upload.identity) for upload in lost}
        wanted = [one for one in lost if due(*found[one.identity], now=now)]
        # Sent first: an offer recorded and never sent would be a second loss.
        self.queue.send(offer_of(upload) for upload in wanted)
        for upload in wanted:
            before = found[upload.identity][1]
            times = before.times + 1 if before else 1
            self.sweeps.offered(upload.identity, Offer(times=times, at=now))
        return [upload.identity for upload in wanted]

    def _look_at(self, listed: Listed, known: Known, *, now: datetime) -> list[Upload]:
        """What may have been lost of an object, or of the claim that its folder rests under."""
        upload = self._upload(listed.key, listed.version_id, now=now)
        place = locate(upload)
        if not isinstance(place, Place):
            return [upload] if missed(listed, None, now=now) else []
        name = place.release or known.claimed().get(place.folder)
        release, stalled_claims = self._release(name, known, now=now) if name else (None, [])
        if name in known.unreadable:
            return stalled_claims
        if release is None:
            folder = self._folder(place.folder, known)
            lost = missed(listed, folder.get(place.name), now=now) or forgotten(
                listed, folder.values(), now=now
            )
        else:
            lost = missed(listed, None, now=now) and came_late(listed, release)
        return [*stalled_claims, *([upload] if lost else [])]

    def _release(
        self, name: ReleaseName, known: Known, *, now: datetime
    ) -> tuple[Release | None, list[Upload]]:
        """The folder's release; with it, once a run and group, what stalled claims are owed."""
        owed = list[Upload]()
        if name.group not in known.releases:
            unreadable = list[RecordUnreadableError]()
            releases = self.releases.of_group(name.group, unreadable=unreadable.append)
            found = {one.name.version: one for one in releases}
            known.releases[name.group] = found
            known.broken.extend(unreadable)
            known.unreadable.update(one.release for one in unreadable if one.release)
            for claim in (one for one in found.values() if stalled(one, now=now)):
                with _noted_in(known.broken):
                    owed.append(self._carrier(claim, now=now))
        return known.releases[name.group].get(name.version), owed

    def _carrier(self, release: Release, *, now: datetime) -> Upload:
        """An input of a claimed folder, to take the capture up with: the first of its manifest."""
        text = self.releases.captured(release.name).manifest
        first = parse_any_manifest(text, digest=release.digest).objects[0]
        return self._upload(first.source_key, first.version_id, now=now)

    def _folder(self, path: str, known: Known) -> dict[str, Noted]:
        if path not in known.folders:
            noted = self.intake.folder(path)
            known.folders[path] = {one.place.name: one for one in noted}
        return known.folders[path]

    def _upload(self, key: str, version_id: str, *, now: datetime) -> Upload:
        return Upload(bucket=self.bucket, key=key, version_id=version_id, offered=True, at=now)


@contextmanager
def _noted_in(broken: list[Exception]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        broken.append(error)
