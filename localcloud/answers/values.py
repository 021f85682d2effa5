"""A JSON value held against a shape: members known and present, types, enums, lengths, patterns.

A null member counts as absent, as for every AWS SDK.
"""

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

_NOT_A_NUMBER = {"NaN", "Infinity", "-Infinity"}
# What these Java character classes mean here; Python's `re` has none of them.
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{M}": "\u0300-\u036f",
    r"\p{Z}": "\\s",
    r"\p{S}": "$+<=>^`|~",
    r"\p{P}": "!-#%-*,-/:;?@\\[-\\]_{}",
    r"[\p{ASCII}]": "[\x00-\x7f]",
    r"\p{ASCII}": "[\x00-\x7f]",
    r"[\p{Print}]": "[ -~]",
    r"\p{Print}": "[ -~]",
    r"\p{Alnum}": "A-Za-z0-9",
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U00010000-\U0010ffff",
    r"[\w-": r"[\w\-",
    r"\z": r"\Z",
}


def faults(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Everything about `value` that the shape does not allow, each with its path."""
    check = _CHECKS[shape.type_name]
    yield from check(shape, value, path)


def _structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, dict):
        yield _wrong(path, value, "an object")
        return
    present = {name: item for name, item in value.items() if item is not None}
    members, required = _members(shape)
    for name in sorted(required - set(present)):
        yield f"{path}/{name}: required, and absent"
    for name, item in present.items():
        if name in members:
            yield from faults(members[name], item, f"{path}/{name}")
        else:
            yield f"{path}/{name}: no such member"
    if getattr(shape, "is_tagged_union", False) and len(present) != 1:
        yield f"{path}: {len(present)} members of a union"


@functools.cache
def _members(shape: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Every member of a structure and the required ones, as they are spelled on the wire."""
    members = {member_name(name, member): member for name, member in shape.members.items()}
    required = frozenset(member_name(name, shape.members[name]) for name in shape.required_members)
    return members, required


def member_name(name: str, member: Any) -> str:
    """How a member is spelled on the wire."""
    return str(member.serialization.get("name", name))


def _list(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _wrong(path, value, "a list")
        return
    yield from _length(shape, value, path)
    for item in value:
        yield from faults(shape.member, item, f"{path}[]")


def _map(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _wrong(path, value, "a map")
        return
    yield from _length(shape, value, path)
    for key, item in value.items():
        yield from faults(shape.key, key, f"{path}{{key}}")
        yield from faults(shape.value, item, f"{path}{{}}")


def _string(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _wrong(path, value, "a string")
        return
    yield from _length(shape, value, path)
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of the {len(shape.enum)} values of {shape.name}"
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield f"{path}: {value!r} does not match {pattern}"


def _integer(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield _wrong(path, value, "an integer")
        return
    yield from _range(shape, value, path)


def _number(shape: Any, value: Any, path: str) -> Iterator[str]:
    if value in _NOT_A_NUMBER:
        return
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield _wrong(path, value, "a number")
        return
    yield from _range(shape, value, path)


def _boolean(_: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield _wrong(path, value, "a boolean")


def _timestamp(shape: Any, value: Any, path: str) -> Iterator[str]:
    """The JSON protocols tell times in seconds of the epoch unless the member says otherwise."""
    form = shape.serialization.get("timestampFormat", "unixTimestamp")
    if form == "unixTimestamp":
        yield from _number(shape, value, path)
    elif not isinstance(value, str) or not _is_moment(value):
        yield _wrong(path, value, f"a time as {form}")


def _is_moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _blob(_: Any, value: Any, path: str) -> Iterator[str]:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        yield _wrong(path, value, "base64")


_CHECKS: dict[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _length(shape: Any, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < low:
        yield f"{path}: length {len(value)}, at least {low} wanted"
    if high is not None and len(value) > high:
        yield f"{path}: length {len(value)}, at most {high} allowed"


def _range(shape: Any, value: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield f"{path}: {value} is below {low}"
    if high is not None and value > high:
        yield f"{path}: {value} is above {high}"


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of a model in the dialect of Python; services match all of a value with it."""
    for java, python in _CLASSES.items():
        pattern = pattern.replace(java, python)
    # Some patterns repeat the end of the string, `${1,256}`, which only Java accepts.
    return re.compile(re.sub(r"\$\{\d+,\d+\}", "$", pattern))


def _wrong(path: str, value: Any, wanted: str) -> str:
    shown = json.dumps(value, default=str)
    return f"{path}: {shown[:80]} is not {wanted}"
