"""Virtual time: it stands still unless somebody moves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 5, 3, 14, 0, tzinfo=UTC)


@dataclass
class Clock:
    """The time everywhere in the account."""

    now: datetime = START

    def after(self, seconds: float) -> datetime:
        """The moment that many seconds from now."""
        return self.now + timedelta(seconds=seconds)


def iso(moment: datetime) -> str:
    """`moment` as Step Functions and EventBridge spell it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
