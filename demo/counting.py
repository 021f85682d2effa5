"""What the client saw, and what it may have seen: pure functions over answers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from demo.rows import Kind

_SIGMAS = 4
"""A healthy run strays this far by chance once in 15,000 checks."""
_VARIANT = re.compile(r"v(\d+)-e\d+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    at: float
    """When it was sent, in seconds of the client's monotonic clock."""
    seconds: float
    kind: Kind
    number: int
    variant: str | None
    """`InvokedProductionVariant`, or the variant an error names; None if nothing was said."""
    said: str | None
    """The diagnosis; None when the request failed."""
    error: str = ""

    @property
    def version(self) -> int | None:
        """The model package version that answered, as its variant's name says."""
        return None if self.variant is None else version_of(self.variant)


type Expected = Mapping[tuple[int, Kind], Sequence[str]]
"""For a version and a kind of row, what its classifier says of each row through joblib."""


def version_of(variant: str) -> int | None:
    """The model package version in a variant's name, `v{version}-e{epoch}`, or None."""
    named = _VARIANT.fullmatch(variant)
    return int(named[1]) if named else None


def failures(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """The requests that got no diagnosis."""
    return tuple(answer for answer in answers if answer.said is None)


def by_version(answers: Iterable[Answer]) -> Counter[int | None]:
    """How many requests each version was given."""
    return Counter(answer.version for answer in answers)


def wrong(answers: Iterable[Answer], expected: Expected) -> tuple[Answer, ...]:
    """The diagnoses that differ from what the same version's classifier says through joblib."""
    return tuple(
        answer
        for answer in answers
        if answer.said is not None and answer.said != _expected_of(answer, expected)
    )


def covered(answers: Iterable[Answer], version: int, kind: Kind) -> set[int]:
    """The numbers of the rows of a kind that `version` gave a diagnosis for."""
    return {
        answer.number
        for answer in answers
        if answer.version == version and answer.kind is kind and answer.said is not None
    }


def most_by_chance(requests: int, share: float) -> int:
    """The largest count a share of `requests` may come to before chance no longer explains it."""
    return math.floor(requests * share + _deviation(requests, share))


def within_chance(count: int, requests: int, share: float) -> bool:
    """Whether `count` of `requests` is what a share comes to, give or take chance."""
    return abs(count - requests * share) <= max(1.0, _deviation(requests, share))


def served_in_turn(answers: Sequence[Answer], *, least_run: int) -> list[int]:
    """The versions that answered alone, in the order they did.

    A version served alone where at least `least_run` requests in a row, by the time they were
    sent, went to it; what a canary gets is never alone for so long.
    """
    ordered = sorted(answers, key=lambda answer: answer.at)
    runs = ((version, len(list(run))) for version, run in groupby(ordered, lambda a: a.version))
    alone = [version for version, length in runs if version is not None and length >= least_run]
    return [version for version, _ in groupby(alone)]


def _expected_of(answer: Answer, expected: Expected) -> str | None:
    if answer.version is None:
        return None
    said = expected.get((answer.version, answer.kind))
    return None if said is None else said[answer.number]


def _deviation(requests: int, share: float) -> float:
    return _SIGMAS * math.sqrt(requests * share * (1 - share))
