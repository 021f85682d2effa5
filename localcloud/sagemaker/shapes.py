"""Requests checked against AWS's own service model: members, lengths, ranges, enums, patterns.

botocore checks only types, required members and minima before it sends; SageMaker checks everything
its model declares and answers one ValidationException naming every fault. So do we, from the same
model.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session

from localcloud.sagemaker.errors import ServiceError, invalid

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}
# Python's `re` knows no Unicode categories; these character sets are what they mean here.
_CATEGORIES = {
    r"\p{Print}": r"[^\x00-\x1f\x7f]",
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{M}": "\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe20-\ufe2f",
    r"\p{Z}": "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{S}": "$+<=>^`|~\u00a2-\u00a9\u00ac\u00ae-\u00b1\u00b4\u00d7\u00f7"
    "\u20a0-\u20c0\u2100-\u2bff",
    r"\p{P}": "!-#%-*,-/:;?@\\[-\\]_{}\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf"
    "\u2010-\u2027\u2030-\u205e",
}


def check(operation: str, body: dict[str, Any]) -> None:
    """Raise one ValidationException that names every member of `body` its shape does not allow."""
    found = faults(_input_shape(operation), body)
    if not found:
        return
    noun = "error" if len(found) == 1 else "errors"
    raise invalid(f"{len(found)} validation {noun} detected: " + "; ".join(found))


def faults(shape: Any, body: dict[str, Any]) -> list[str]:
    """What of `body` a shape of any service's model does not allow, as services say it."""
    return list(_faults(shape, body, ""))


def coerced(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Template properties as a request: known members only, numbers and booleans unquoted."""
    found: dict[str, Any] = _coerced(_input_shape(operation), properties)
    return found


def extraneous(operation_names: list[str], properties: dict[str, Any]) -> list[tuple[str, str]]:
    """Where in template properties which key is that none of these operations takes."""
    members: dict[str, Any] = {}
    for operation in operation_names:
        members |= _input_shape(operation).members
    return list(_extraneous_keys(members, properties, "#"))


def operations() -> frozenset[str]:
    """Every operation the service model knows."""
    return frozenset(_service().operation_names)


@functools.cache
def _service() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


@functools.cache
def _input_shape(operation: str) -> Any:
    return _service().operation_model(operation).input_shape


def _coerced(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            members = {name: v for name, v in value.items() if name in shape.members}
            return {name: _coerced(shape.members[name], v) for name, v in members.items()}
        case "list":
            return [_coerced(shape.member, item) for item in value]
        case "map":
            return {str(key): _coerced(shape.value, item) for key, item in value.items()}
        case "boolean":
            return str(value).lower() == "true"
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case _:
            return str(value)


def _extraneous_keys(
    members: dict[str, Any], value: dict[str, Any], path: str
) -> Iterator[tuple[str, str]]:
    for key, one in value.items():
        if key not in members:
            yield path, key
        else:
            yield from _extraneous(members[key], one, f"{path}/{key}")


def _extraneous(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if shape.type_name == "structure" and isinstance(value, dict):
        yield from _extraneous_keys(shape.members, value, path)
    elif shape.type_name == "list" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _extraneous(shape.member, item, f"{path}/{number}")


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure_faults(shape, _typed(value, dict), path)
        case "list":
            values = _typed(value, list)
            yield from _size_faults(shape, values, path)
            for number, item in enumerate(values, start=1):
                yield from _faults(shape.member, item, f"{path}.{number}.member")
        case "map":
            entries = _typed(value, dict)
            yield from _size_faults(shape, entries, path)
            for key, item in entries.items():
                yield from _faults(shape.key, key, f"{path}.key")
                yield from _faults(shape.value, item, f"{path}.{key}.member")
        case "blob":
            return
        case scalar:
            yield from _scalar_faults(shape, _typed(value, *_SCALARS[scalar]), path)


def _typed(value: Any, *types: type) -> Any:
    if isinstance(value, types) and not (isinstance(value, bool) and bool not in types):
        return value
    message = f"{type(value).__name__} value cannot be converted to {types[0].__name__}"
    raise ServiceError("SerializationException", message)


def _structure_faults(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        where = _joined(path, name)
        if value.get(name) is not None:
            yield from _faults(member, value[name], where)
        elif name in shape.required_members:
            yield _fault(None, where, "Member must not be null")


def _size_faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < low:
        yield _fault(value, path, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        yield _fault(value, path, f"Member must have length less than or equal to {high}")


def _scalar_faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "string":
        yield from _size_faults(shape, value, path)
        if shape.enum and value not in shape.enum:
            yield _fault(
                value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
            )
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _fault(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    elif shape.type_name in {"integer", "long", "float", "double"}:
        yield from _range_faults(shape, value, path)


def _range_faults(shape: Any, value: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _fault(value, path, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _fault(value, path, f"Member must have value less than or equal to {high}")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for category, characters in _CATEGORIES.items():
        pattern = pattern.replace(category, characters)
    # Java writes what lies beyond the basic plane as a range of surrogate pairs.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    # Some patterns repeat the end of the string, `${1,256}`, which only Java accepts.
    return re.compile(re.sub(r"\$\{\d+,\d+\}", "", pattern))


def _joined(path: str, name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _fault(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"
