"""What the schedule keeps of its comparisons of inbox and ledger.

| item | key | holds |
|---|---|---|
| offer | `INPUT#identity` / `OFFER` | how often and when the input was offered to the queue |
| cursor | `SWEEP` / `CURSOR` | where the next run begins, when the last one did not reach the end |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.adapters.ledger.intake import receipt_of
from sluice.domain.sweep import Cursor, Offer

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Item, Table
    from sluice.domain.receipt import Receipt

_KEPT_SECONDS = 400 * 24 * 60 * 60
_KEYS = {"pk", "sk", "expires_at"}


class Sweeps:
    """`INPUT#… / OFFER` items and the cursor."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def heard_of(self, identity: str) -> tuple[Receipt | None, Offer | None]:
        """What the ledger knows of an input: its receipt, and whether it was offered."""
        found = {item["sk"]: item for item in self._table.query(f"INPUT#{identity}")}
        receipt, offer = found.get("RECORD"), found.get("OFFER")
        return (
            receipt_of(receipt) if receipt else None,
            Offer.model_validate(_body(offer)) if offer else None,
        )

    def offered(self, identity: str, offer: Offer) -> None:
        """Record an offer; of two made at once, either."""
        body = offer.model_dump(mode="json")
        expiry = int(offer.at.timestamp()) + _KEPT_SECONDS
        item = {"pk": f"INPUT#{identity}", "sk": "OFFER", **body, "expires_at": expiry}
        self._table.write(self._table.put(item))

    def cursor(self) -> Cursor:
        """Where to begin; the beginning, unless a run stopped on the way."""
        item = self._table.get("SWEEP", "CURSOR")
        return Cursor.model_validate(_body(item)) if item else Cursor()

    def stop_at(self, cursor: Cursor) -> None:
        """Let the next run begin there."""
        body = cursor.model_dump(mode="json")
        self._table.write(self._table.put({"pk": "SWEEP", "sk": "CURSOR", **body}))


def _body(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in _KEYS}
