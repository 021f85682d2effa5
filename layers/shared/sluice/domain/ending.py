"""When a foundation model ends, told weeks ahead: to whom it matters, and how often."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain.release import ReleaseName
from sluice.domain.values import Moment, Value

if TYPE_CHECKING:
    from datetime import datetime

_THRESHOLDS = (30, 14, 7, 1, 0)
"""Days before the end at which it is told again, whenever it was told last."""
_DAY = timedelta(days=1)


class Ending(Value):
    """A model that a release of a target needs, and that ends within the days asked for."""

    release: ReleaseName
    live: bool
    """Whether the release serves; else the target may have to go back to it."""
    model_id: str
    ends_at: Moment
    days: int
    """Whole days that are left; 0 on the last one, and after it."""

    @property
    def told_as(self) -> str:
        """What makes telling it again worth while: another model, another date, fewer days."""
        reached = [one for one in _THRESHOLDS if self.days <= one]
        return (
            f"{self.release} {self.live} {self.model_id} {self.ends_at} {min(reached, default='')}"
        )


def ending(
    release: ReleaseName,
    model_id: str,
    ends_at: datetime | None,
    *,
    live: bool,
    at: datetime,
    within_days: int,
) -> Ending | None:
    """The end of a release's model, if it comes within so many days of `at`."""
    if ends_at is None or ends_at > at + within_days * _DAY:
        return None
    days = max(0, (ends_at - at) // _DAY)
    return Ending(release=release, live=live, model_id=model_id, ends_at=ends_at, days=days)
