"""The statements of a policy, read once for each text of it.

The engine parses every policy of a role again for each call that the role makes. A text is all a
policy is: the same one means the same statements, which nothing changes once they are read.
"""

import functools
from typing import Any

from ministack.core import iam_evaluator

from localcloud import hooks

_MOST_TEXTS = 1024


def mount() -> None:
    """Keep what was read."""
    hooks.wrap(iam_evaluator, "parse_policy_document", "doc")(_read)


def stop() -> None:
    """Nothing runs here."""


def _read(original: Any, doc: Any) -> list[Any]:
    """The statements, in a list of the caller's own."""
    return list(_once(original, doc)) if isinstance(doc, str) else list(original(doc))


@functools.lru_cache(maxsize=_MOST_TEXTS)
def _once(original: Any, text: str) -> tuple[Any, ...]:
    return tuple(original(text))
