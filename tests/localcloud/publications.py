"""A delivered event held against the one AWS publishes: the same members, of the same types."""

import json
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "published"
_FREE = frozenset({"/detail/Tags", "/detail/configuration/metrics[]/metricStat/metric/dimensions"})
"""Maps whose keys are the user's."""


def published(name: str) -> dict[str, Any]:
    """The example of AWS's documentation."""
    event: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return event


def differences(
    example: Any,
    delivered: Any,
    *,
    absent: Set[str] = frozenset(),
    beside: Set[str] = frozenset(),
) -> list[str]:
    """How `delivered` is not of the example's shape.

    `absent` are the paths that the event has only in circumstances that are not there, and `beside`
    those that it has although the example does not show them.
    """
    return [one for one in _differences(example, delivered, "") if one not in _let(absent, beside)]


def _let(absent: Set[str], beside: Set[str]) -> set[str]:
    return {f"{path} is absent" for path in absent} | {f"{path} is unknown" for path in beside}


def _differences(example: Any, delivered: Any, path: str) -> Iterator[str]:
    if example is None or path in _FREE:
        return
    if _kind(example) != _kind(delivered):
        yield f"{path} is {_kind(delivered)}, not {_kind(example)}"
    elif isinstance(example, dict):
        yield from (f"{path}/{name} is absent" for name in sorted(set(example) - set(delivered)))
        yield from (f"{path}/{name} is unknown" for name in sorted(set(delivered) - set(example)))
        for name in sorted(set(example) & set(delivered)):
            yield from _differences(example[name], delivered[name], f"{path}/{name}")
    elif isinstance(example, list) and example:
        yield from _items(example, delivered, path)
    elif path.endswith("reasonData"):
        yield from _differences(json.loads(example), json.loads(delivered), f"{path}()")


def _items(example: list[Any], delivered: list[Any], path: str) -> Iterator[str]:
    """Every item delivered is like some item of the example."""
    for item in delivered:
        found = [list(_differences(one, item, f"{path}[]")) for one in example]
        yield from min(found, key=len)


def _kind(value: Any) -> str:
    """The type as JSON names it; numbers are told apart, for typed languages read them."""
    return {dict: "an object", list: "a list", type(None): "null"}.get(
        type(value), type(value).__name__
    )
