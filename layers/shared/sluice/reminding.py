"""Machines and people are told of a matter once, again after a while, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.reminding import due

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.announcements import Announcements
    from sluice.adapters.ledger.reminders import Reminders
    from sluice.domain.overseeing import Telling


@dataclass(frozen=True, slots=True)
class Reminding:
    """What is told of targets that nobody moves, beside the ledger's memory of what was told."""

    reminders: Reminders
    announcements: Announcements

    def tell(self, target: str, telling: Telling, *, at: datetime) -> str:
        """Tell it if it is due; the event that was sent, or nothing. Raises AnnouncementError.

        Claimed first: of two that look at once, one tells. What could not be told is told by
        whoever looks next.
        """
        last = self.reminders.last(target, telling.matter)
        reminder = due(last, telling.said, at=at, every=telling.every, doubt=telling.doubt)
        if reminder is None or not self.reminders.claim(target, telling.matter, reminder):
            return ""
        if telling.event:
            self.announcements.announce(telling.event, telling.detail, message=telling.message)
        self.reminders.told(target, telling.matter, reminder)
        return telling.event
