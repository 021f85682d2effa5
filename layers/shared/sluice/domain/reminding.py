"""What was told already: each distinct set of findings once, again after a while, and its end.

What is said is claimed in the ledger first, told, and noted as told: whoever dies in between
leaves a claim. The same message, when it comes again, tells it, or the next look when nobody can be
at work on it any more. A look that is older than what was told tells nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sluice.domain.values import Moment, Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

DAILY = timedelta(days=1)
WEEKLY = timedelta(days=7)
AT_WORK = timedelta(minutes=15)
"""How long somebody else may still be telling what he claimed: no invocation of Lambda lives on."""


class Reminder(Value):
    """What was told last of one matter of a target."""

    revision: int = 0
    said: tuple[str, ...] = ()
    """A digest of each thing that was told, sorted; none: that all is well again."""
    at: Moment
    told: bool = False
    """Whether it was told for sure; else it was meant to be."""


class Thing(NamedTuple):
    """Something that is told: what is found of a thing that belongs to a scope."""

    scope: str
    """What it is looked at with, and hidden with: a release, or nothing but the target."""
    what: str
    found: str


def digests(things: Iterable[Thing]) -> tuple[str, ...]:
    """What is remembered of things that are told: where each belongs, what it is, what was found.

    Each part apart, so that a later look knows whether it has read the same thing.
    """
    return tuple(sorted({"-".join(map(_short, one)) for one in things}))


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a look could not find out: of that nobody knows whether it still is as it was told."""

    unread: frozenset[tuple[str, str]] = frozenset()
    """Scope and name of each thing that could not be read."""
    read: frozenset[tuple[str, str]] = frozenset()
    """Scope and name of each that was."""
    hidden: frozenset[str] = frozenset()
    """The scopes in which something unread may hide others, so that nobody came to read them."""

    def left(self, before: Iterable[str]) -> set[str]:
        """Those of the digests of which nobody knows now."""
        unread, read = ({_where(one) for one in some} for some in (self.unread, self.read))
        hidden = {_short(one) for one in self.hidden}
        found = ((one, one.rpartition("-")[0], one.partition("-")[0]) for one in before)
        return {
            one
            for one, where, scope in found
            if where in unread or (scope in hidden and where not in read)
        }


def due(
    last: Reminder | None,
    said: tuple[str, ...],
    *,
    at: datetime,
    every: timedelta = DAILY,
    doubt: Doubt | None = None,
) -> Reminder | None:
    """What is to be told at `at`, or None; `said` are digests of what was found.

    What was told before and cannot be read now is neither over nor another thing.
    """
    before = last.said if last else ()
    if last and at < last.at:
        return None
    known = tuple(sorted({*said, *doubt.left(before)})) if doubt else said
    if known and not said:
        return None
    if last and not last.told and known == before:
        telling = last.at < at < last.at + AT_WORK
        return None if telling else _after(last, known, at=at)
    if not known and not before:
        return None
    if last and known == before and at < last.at + every:
        return None
    return _after(last, known, at=at)


def _short(part: str) -> str:
    return hashlib.sha256(part.encode()).hexdigest()[:12]


def _where(thing: tuple[str, str]) -> str:
    return "-".join(map(_short, thing))


def _after(last: Reminder | None, said: tuple[str, ...], *, at: datetime) -> Reminder:
    return Reminder(revision=last.revision + 1 if last else 1, said=said, at=at)
