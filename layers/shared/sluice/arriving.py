"""What becomes of a message from the queue of uploads: an upload, the schedule, or nothing of ours.

One queue for all of them: what the schedule finds to be lost, a copy that takes another turn and
what CloudTrail recorded go the way of S3's events, with their retries and their dead letters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sluice.domain.inbox import Upload
from sluice.domain.receipt import Receipt
from sluice.domain.trail import Trail
from sluice.events.triggers import Tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.events.uploads import Arrival
    from sluice.registering import Registering
    from sluice.sweeping import Sweeping
    from sluice.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Done:
    """What a message led to, for log and metric."""

    message: str
    metric: str
    count: int
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arriving:
    """The work of `register_package`."""

    registering: Registering
    sweeping: Sweeping
    tracing: Tracing

    def take(self, arrival: Arrival, *, remaining: Callable[[], int]) -> Done:
        """Do what the message asks for; `remaining` are the invocation's milliseconds."""
        match arrival:
            case Tick():
                swept = self.sweeping.sweep(now=arrival.at)
                return Done("inbox swept", "UploadsMissed", len(swept.offered), asdict(swept))
            case Trail():
                noted = self.tracing.note(arrival)
                told = {"call": arrival.call, "event_id": arrival.event_id, "noted": noted}
                return Done("trail handled", "TrailsNoted", int(noted), told)
            case Upload():
                receipt = self.registering.register(arrival, remaining=remaining)
            case Receipt():
                receipt = self.registering.record(arrival)
        return Done("upload handled", f"Upload{receipt.kind}", 1, receipt.summary)
