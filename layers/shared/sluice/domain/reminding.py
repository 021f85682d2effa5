"""What was told already: each distinct set of findings once, again after a while, and its end.

What is said is claimed in the ledger first, told, and noted as told: whoever dies in between
leaves a claim, and the next one tells it. A look that is older than what was told tells nothing.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.values import Moment, Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

DAILY = timedelta(days=1)
WEEKLY = timedelta(days=7)


class Reminder(Value):
    """What was told last of one matter of a target."""

    revision: int = 0
    said: tuple[str, ...] = ()
    """A digest of each thing that was told, sorted; none: that all is well again."""
    at: Moment
    told: bool = False
    """Whether it was told for sure; else it was meant to be."""


def digests(things: Iterable[str]) -> tuple[str, ...]:
    """What is remembered of things that are told."""
    return tuple(sorted({hashlib.sha256(one.encode()).hexdigest()[:32] for one in things}))


def due(
    last: Reminder | None,
    said: tuple[str, ...],
    *,
    at: datetime,
    every: timedelta = DAILY,
    partly: bool = False,
) -> Reminder | None:
    """What is to be told at `at`, or None; `said` are digests of what was found.

    `partly`: something could not be read, so nobody knows of what was told before and is not found
    now. Then it is neither over nor another thing.
    """
    before = last.said if last else ()
    if last and at < last.at:
        return None
    if partly and set(said) < set(before):
        return None
    if last and not last.told and said == before:
        return _after(last, said, at=at)
    if not said and not before:
        return None
    if last and said == before and at < last.at + every:
        return None
    return _after(last, said, at=at)


def _after(last: Reminder | None, said: tuple[str, ...], *, at: datetime) -> Reminder:
    return Reminder(revision=last.revision + 1 if last else 1, said=said, at=at)
