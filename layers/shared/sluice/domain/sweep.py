"""What the schedule, comparing the inbox with the ledger, finds to be lost.

An event in flight is not lost: an object has a time of grace. What was found is offered to the same
queue that S3's events come through; should it stay unheard of, it is offered again, each time after
twice as long a wait, so that an object nobody can handle does not fill the dead letters.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.registration import Ready, plan_registration
from sluice.domain.release import Capture
from sluice.domain.values import SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sluice.domain.noted import Noted
    from sluice.domain.receipt import Receipt
    from sluice.domain.release import Release

PAGES = 10
"""Pages of 1,000 versions that one run reads; the next run goes on from there."""
GRACE = timedelta(minutes=15)
"""How old an object must be to be missed: its event may still be in the queue."""
STALLED = timedelta(hours=2)
"""How old a claim must be to be taken over: after a crash SQS delivers again after 90 minutes."""
_FIRST_WAIT = timedelta(hours=1)
_MOST_DOUBLINGS = 8
_EVENT_TIME = timedelta(seconds=1)
"""An event's time, and so a claim's, is in whole seconds."""


class Listed(Value):
    """The newest version of an object in the inbox."""

    key: str
    version_id: str
    last_modified: Moment


class Cursor(Value):
    """Where in the inbox the next run begins; empty for its beginning."""

    key: str = ""
    version_id: str = ""


class Page(Value):
    """A part of the inbox's listing."""

    objects: tuple[Listed, ...]
    next: Cursor
    """Empty after the last page."""


class Offer(Value):
    """`INPUT#identity / OFFER`: the schedule offered the input to the queue."""

    schema_version: int = SCHEMA_VERSION
    times: int
    at: Moment
    """The last time."""


def missed(listed: Listed, noted: Noted | None, *, now: datetime) -> bool:
    """Whether an object of an open folder is old enough, and not the version that was noted."""
    if now - listed.last_modified < GRACE:
        return False
    return noted is None or noted.upload.version_id != listed.version_id


def forgotten(listed: Listed, folder: Iterable[Noted], *, now: datetime) -> bool:
    """Whether an object's folder has long been complete, and yet nobody claimed it."""
    waited = now - listed.last_modified >= STALLED
    return waited and isinstance(plan_registration(tuple(folder)), Ready)


def came_late(listed: Listed, release: Release) -> bool:
    """Whether an object was written after its folder was claimed; it may be unheard of."""
    return listed.last_modified - release.claimed_at > _EVENT_TIME


def stalled(release: Release, *, now: datetime) -> bool:
    """Whether a claim should have led to a registration long ago."""
    return release.capture is Capture.CLAIMED and now - release.claimed_at >= STALLED


def due(receipt: Receipt | None, offer: Offer | None, *, now: datetime) -> bool:
    """Whether an input that is missed is to be offered now."""
    if receipt and receipt.terminal:
        return False
    if offer is None:
        return True
    doublings = min(offer.times - 1, _MOST_DOUBLINGS)
    return now - offer.at >= _FIRST_WAIT * (1 << doublings)
