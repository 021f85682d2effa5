"""Histories as they lie in the ledger: every item as it is, for whoever holds them to account."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sluice.domain.recorded import HISTORY, Recorded

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Item, Table

_ATTEMPTS = 5
_HELD = (
    "target",
    "schema_version",
    "revision",
    "generation",
    "epoch",
    "live",
    "history_length",
    "history_hash",
    "history_at",
)
"""Of `STATE`: what a history is held against. Its task token is nobody else's business."""


class GrowingError(Exception):
    """The history grew whenever it was read; asked again later, it will stand still."""


class Histories:
    """`HISTORY#…` items with the `STATE` that counts them; nothing is ever written."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, target: str, *, newest: int | None = None) -> Recorded | None:
        """What is recorded of the target, or None when that is nothing; of so many entries at most.

        A query of many pages is no snapshot, so it counts only where STATE is the same before and
        after it. Raises GrowingError when it never was.
        """
        before = self._state(target)
        for _ in range(_ATTEMPTS):
            history = self._entries(target, newest)
            state = self._state(target)
            if state is None and not history:
                return None
            if _head(state) == _head(before):
                return Recorded(target=target, state=state, history=history)
            before = state
        message = f"the history of {target} grows while it is read: ask again"
        raise GrowingError(message)

    def _entries(self, target: str, newest: int | None) -> tuple[Item, ...]:
        backwards = newest is not None
        items = self._table.query(f"TARGET#{target}", prefix=HISTORY, newest_first=backwards)
        found = tuple(islice(items, newest))
        return found[::-1] if backwards else found

    def _state(self, target: str) -> Item | None:
        item = self._table.get(f"TARGET#{target}", "STATE")
        return {name: item[name] for name in _HELD if name in item} if item else None


def _head(state: Item | None) -> tuple[Any, ...] | None:
    return (state.get("history_length"), state.get("history_hash")) if state else None
