"""The JSONata functions that Step Functions adds to the language, and the one it takes away.

Their contract is the developer guide's page "Transforming data with JSONata": `$partition`,
`$range`, `$hash`, `$random`, `$uuid` and `$parse`; `$eval` is not supported.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Callable
from typing import Any

_ALGORITHMS = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_LARGEST_RANGE = 1000


class FunctionError(ValueError):
    """A function of Step Functions refused its arguments."""


def partition(array: Any = None, size: Any = None) -> list[list[Any]] | None:
    """The array in chunks of `size`; the last one may be shorter."""
    if array is None:
        return None
    items = array if isinstance(array, list) else [array]
    if isinstance(size, bool) or not isinstance(size, int | float) or size < 1:
        message = f"$partition needs a positive chunk size, not {size!r}"
        raise FunctionError(message)
    step = int(size)
    return [items[start : start + step] for start in range(0, len(items), step)]


def number_range(first: Any = None, last: Any = None, step: Any = None) -> list[Any]:
    """The numbers from `first` to at most `last`, `step` apart; `last` itself is included."""
    if not all(_is_number(bound) for bound in (first, last, step)) or step == 0:
        message = "$range needs three numbers, the last one not zero"
        raise FunctionError(message)
    count = int((last - first) // step) + 1
    if count > _LARGEST_RANGE:
        message = f"$range may return {_LARGEST_RANGE} numbers, not {count}"
        raise FunctionError(message)
    return [first + index * step for index in range(max(0, count))]


def digest(text: Any = None, algorithm: Any = None) -> str | None:
    """The hexadecimal hash of a string."""
    if text is None:
        return None
    if not isinstance(text, str) or algorithm not in _ALGORITHMS:
        message = f"$hash needs a string and one of {', '.join(_ALGORITHMS)}"
        raise FunctionError(message)
    return hashlib.new(_ALGORITHMS[algorithm], text.encode()).hexdigest()


def random_number(seed: Any = None) -> float:
    """A number from 0 up to, not including, 1; the same for the same seed."""
    return (random.Random(int(seed)) if _is_number(seed) else random).random()


def random_uuid() -> str:
    """A version 4 UUID."""
    return str(uuid.uuid4())


def parse(text: Any = None) -> Any:
    """The value that a string of JSON stands for."""
    return None if text is None else json.loads(text)


def evaluate(*_: Any) -> Any:
    """Refuse: Step Functions does not support `$eval`."""
    message = "$eval is not supported in Step Functions"
    raise FunctionError(message)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


BY_NAME: dict[str, Callable[..., Any]] = {
    "partition": partition,
    "range": number_range,
    "hash": digest,
    "random": random_number,
    "uuid": random_uuid,
    "parse": parse,
    "eval": evaluate,
}
