"""What is wrong in a document is said once, with what to change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REAL = {int, float}
"""Not bool; what JSON calls a number."""
_SLACK = 1 + 1e-9
"""Interpolated counts may exceed their total by rounding."""


class JudgeDocumentError(ValueError):
    """The document cannot be judged; the message says what to change."""


def must(fine: Any, otherwise: str) -> None:
    """Refuse the document where `fine` is not true."""
    if not fine:
        raise JudgeDocumentError(otherwise)


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return type(value) in REAL and -math.inf < value < math.inf


def not_negative(given: Any, name: str) -> float:
    """A number of 0 or more."""
    must(is_number(given) and given >= 0, f"{name} is {given!r}: give a number of 0 or more")
    return float(given)


def positive(given: Any, name: str) -> float:
    """A number above 0."""
    must(is_number(given) and given > 0, f"{name} is {given!r}: give a number above 0")
    return float(given)


def are_counts(n: Any, x: Any, *, signed: bool) -> bool:
    """Whether x may be the bad ones of n requests, or, `signed`, the sum of n scores."""
    if n is not None and not (type(n) in REAL and 0 <= n < math.inf):
        return False
    if x is None:
        return True
    if type(x) not in REAL:
        return False
    if signed:
        return bool(-math.inf < x < math.inf)
    return bool(0 <= x < math.inf and (n is None or x <= n * _SLACK))


def refuse_counts(n: Any, x: Any, name: str, *, signed: bool) -> None:
    """Say what is wrong where `are_counts` found something."""
    if are_counts(n, x, signed=signed):
        return
    known = are_counts(n, None, signed=signed)
    must(known, f"{name}: n is {n!r}: give a count of 0 or more, or null for not known")
    count = are_counts(None, x, signed=signed)
    must(count, f"{name}: x is {x!r}: give a count of 0 or more, or null for not known")
    must(False, f"{name}: {x} bad of {n} requests: x must not exceed n")


def an_object(given: Any, name: str, known: Iterable[str]) -> Mapping[str, Any]:
    """An object with no other names than the known; empty where none is given."""
    must(given is None or isinstance(given, dict), f"{name} must be an object")
    values: Mapping[str, Any] = given or {}
    unknown = sorted(map(str, set(values) - set(known)))
    if unknown:
        allowed = ", ".join(sorted(known))
        raise JudgeDocumentError(f"{name} has no {unknown[0]!r}: it knows {allowed}")
    return values
