"""What served a target when, from its history alone: no moment is left out, none has two answers.

An entry says what serves from its time on, to the millisecond. Of several with one time the last
one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sluice.domain.history import Entry
    from sluice.domain.rollout import Deployed

APPROVED = "Approved"
_HALTED, _STARTED, _SHIFTED = "Halted", "RolloutStarted", "Shifted"
_MOVES_ON = frozenset({_STARTED, "ApprovalConsumed"})
"""What ends a halt: somebody approved a version, rejected one, or stands by what serves."""


@dataclass(frozen=True, slots=True)
class Service:
    """What served from one entry to another: one release as it was deployed, or nothing."""

    live: Deployed | None
    first: Entry | None
    """The entry that it began with; None: since ever."""
    next: Entry | None = None
    """The entry that another began with; None: nothing has come after it yet."""

    @property
    def since(self) -> datetime | None:
        """When it began."""
        return self.first.at if self.first else None

    @property
    def until(self) -> datetime | None:
        """When it ended: at that moment something else serves already."""
        return self.next.at if self.next else None

    def touches(self, begins: datetime | None, ends: datetime | None) -> bool:
        """Whether any moment from `begins` to `ends`, both included, is one of it."""
        too_early = begins is not None and self.until is not None and self.until <= begins
        too_late = ends is not None and self.since is not None and self.since > ends
        return not too_early and not too_late


@dataclass(frozen=True, slots=True)
class Situation:
    """What served at a moment, and what went on then."""

    service: Service
    halted: Entry | None
    """The entry since which the target was halted."""
    started: Entry | None
    """The entry with which the rollout began that was under way."""
    shifted: Entry | None
    """The entry with its last change of weights."""


def services(entries: Iterable[Entry]) -> tuple[Service, ...]:
    """What served, one after the other; the first since ever, the last until now."""
    found = [Service(live=None, first=None)]
    for entry in entries:
        last = found[-1]
        if entry.live != last.live:
            found[-1] = Service(last.live, last.first, entry)
            found.append(Service(entry.live, entry))
    return tuple(found)


def situation(entries: Sequence[Entry], at: datetime) -> Situation:
    """What served at that moment, and what went on."""
    past = [one for one in entries if one.at <= at]
    last = past[-1] if past else None
    (service,) = (one for one in services(entries) if one.touches(at, at))
    begun = _newest(past, {_STARTED})
    under_way = begun if last and last.execution else None
    shifted = _newest(past, {_SHIFTED})
    halted = _newest(past, {_HALTED, *_MOVES_ON})
    return Situation(
        service=service,
        halted=halted if halted and halted.event == _HALTED else None,
        started=under_way,
        shifted=shifted if under_way and shifted and shifted.n > under_way.n else None,
    )


def approval(entries: Sequence[Entry], service: Service) -> Entry | None:
    """The entry with the approval that the release of `service` served by."""
    if service.live is None or service.first is None:
        return None
    until = service.first.n
    of_it = (one for one in entries if one.release == service.live.release and one.n <= until)
    return _newest(list(of_it), {APPROVED})


def _newest(entries: Sequence[Entry], events: set[str] | frozenset[str]) -> Entry | None:
    return next((one for one in reversed(entries) if one.event in events), None)
