"""What is wrong in a document is said once, with what to change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REAL = {int, float}
"""Not bool; what JSON calls a number."""


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


def an_object(given: Any, name: str, known: Iterable[str]) -> Mapping[str, Any]:
    """An object with no other names than the known; empty where none is given."""
    must(given is None or isinstance(given, dict), f"{name} must be an object")
    values: Mapping[str, Any] = given or {}
    unknown = sorted(map(str, set(values) - set(known)))
    if unknown:
        allowed = ", ".join(sorted(known))
        raise JudgeDocumentError(f"{name} has no {unknown[0]!r}: it knows {allowed}")
    return values
