"""How large the files of a version folder may be: what is read whole has a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.fields import is_file_name
from sluice.domain.inbox import BEDROCK_CONFIG, CONFIG, EVALUATION, required
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import System

if TYPE_CHECKING:
    from sluice.domain.inbox import Place

LIMITS = {CONFIG: 64 * 1024, BEDROCK_CONFIG: 64 * 1024, EVALUATION: 128 * 1024}
"""Bytes; a larger file is refused unread."""
TEXT_LIMIT = 1024 * 1024
"""Of every other file of a Bedrock configuration: several times what any model reads at once."""


def limit_of(place: Place) -> int | None:
    """The bytes that an object may have; None where nobody reads it whole."""
    return LIMITS.get(place.name, TEXT_LIMIT if _is_text(place) else None)


def judge_size(place: Place, size: int) -> Refusal | None:
    """Why an object of `size` bytes cannot be taken, or nothing."""
    needed = _is_text(place) or place.name in required(place.system)
    if needed and size == 0:
        return Refusal(reason=Reason.EMPTY, detail=f"{place.name} is empty")
    limit = limit_of(place)
    if limit is not None and size > limit:
        detail = f"{place.name} has {size} bytes, the limit is {limit}"
        return Refusal(reason=Reason.TOO_LARGE, detail=detail)
    return None


def _is_text(place: Place) -> bool:
    """Whether a Bedrock configuration may name it: what it cannot, nobody looks into."""
    return place.system is System.BEDROCK and is_file_name(place.name)
