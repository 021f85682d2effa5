"""What was told of a target in the ledger: `TOLD#target` / the matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain.reminding import Reminder

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table


class Reminders:
    """`TOLD#…` items, each written under the condition that nobody else wrote it meanwhile."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def last(self, target: str, matter: str) -> Reminder | None:
        """What was told last, read consistently."""
        item = self._table.get(f"TOLD#{target}", matter)
        return Reminder.model_validate(item) if item else None

    def claim(self, target: str, matter: str, reminder: Reminder) -> bool:
        """Write what is about to be told; False if somebody else did meanwhile."""
        when = "attribute_not_exists(pk) OR revision = :r"
        return self._write(target, matter, reminder, when=when, revision=reminder.revision - 1)

    def told(self, target: str, matter: str, reminder: Reminder) -> None:
        """Note that it was told; nothing where somebody has claimed the next thing meanwhile."""
        noted = reminder.model_copy(update={"told": True})
        self._write(target, matter, noted, when="revision = :r", revision=reminder.revision)

    def _write(
        self, target: str, matter: str, reminder: Reminder, *, when: str, revision: int
    ) -> bool:
        body = reminder.model_dump(mode="json", exclude={"pk", "sk"})
        item = {**body, "pk": f"TOLD#{target}", "sk": matter}
        try:
            self._table.write(self._table.put(item, when=when, values={":r": revision}))
        except ConditionFailedError:
            return False
        return True
