"""Lists as SageMaker pages them: ten at a time, ascending, unless told otherwise."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from localcloud.sagemaker.errors import invalid

_DEFAULT_PAGE = 10


def page(
    resources: Iterable[Any],
    body: dict[str, Any],
    *,
    keys: dict[str, Callable[[Any], Any]],
    order: str = "Ascending",
) -> tuple[list[Any], dict[str, str]]:
    """The page `body` asks for and what to add to the answer: a NextToken when more follow.

    `keys` maps the values of SortBy to sort keys; its first entry is the default.
    """
    key = keys[body.get("SortBy") or next(iter(keys))]
    descending = body.get("SortOrder", order) == "Descending"
    found = sorted((r for r in resources if _wanted(r, body)), key=key, reverse=descending)
    start = _position(body.get("NextToken"))
    end = start + int(body.get("MaxResults", _DEFAULT_PAGE))
    more = {"NextToken": _token(end)} if end < len(found) else {}
    return found[start:end], more


def _wanted(resource: Any, body: dict[str, Any]) -> bool:
    name: str = resource.name
    return (
        body.get("NameContains", "").lower() in name.lower()
        and resource.created >= _time(body.get("CreationTimeAfter"), 0.0)
        and resource.created <= _time(body.get("CreationTimeBefore"), float("inf"))
    )


def _time(value: Any, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return float(value)


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode()


def _position(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except (ValueError, binascii.Error, UnicodeDecodeError):
        raise invalid("Invalid pagination token") from None
