"""JSON as strangers write it: what two readers could understand differently is refused.

Python's own reader takes NaN, infinite numbers, repeated names and half surrogate pairs, and
answers deep nesting with RecursionError, which is no ValueError.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 32
_MAX_DIGITS = 20
_BOM = b"\xef\xbb\xbf"


class MalformedJsonError(Exception):
    """The bytes are not JSON as we read it; the message says why, for people."""


def parse(data: bytes) -> Any:
    """The value that `data` spells. Raises MalformedJsonError, and nothing else."""
    if data.startswith(_BOM):
        raise MalformedJsonError("it starts with a byte order mark")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_constant,
            parse_float=_real,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise MalformedJsonError(f"it is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise MalformedJsonError(f"it nests deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise MalformedJsonError(str(error)) from error
    _check_depth(value)
    _check_text(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedJsonError(f"{twice!r} stands twice in one object")
    return members


def _constant(spelling: str) -> Any:
    raise MalformedJsonError(f"{spelling} is not JSON")


def _real(spelling: str) -> float:
    value = float(spelling)
    if not math.isfinite(value):
        raise MalformedJsonError(f"{spelling[:_MAX_DIGITS]} is too large for a number")
    return value


def _whole(spelling: str) -> int:
    if len(spelling) > _MAX_DIGITS:
        raise MalformedJsonError(f"a whole number has more than {_MAX_DIGITS} digits")
    return int(spelling)


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise MalformedJsonError(f"it nests deeper than {MAX_DEPTH} levels")
        level = [inner for one in level for inner in _inside(one)]


def _inside(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _check_text(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedJsonError("a string holds half a surrogate pair") from error
