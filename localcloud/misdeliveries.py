"""Events at their worst, on request: delivered twice, late, out of order, or never.

EventBridge promises to deliver at least once, in no order, and services send what they send "best
effort". On a quiet machine none of that is ever seen; `/_localcloud/deliveries` brings it about,
for the deliveries a fault names, and tells how often each fault really struck.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-concepts.html
"""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from localcloud import control

KINDS = frozenset({"delay", "drop", "duplicate"})


@dataclass(frozen=True, slots=True)
class Passage:
    """An event is about to go from a rule or schedule to a target; `text` is all of it as JSON."""

    source: str
    detail_type: str
    rule: str
    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One delivery: so many virtual seconds from now, under the event's own id or a fresh one."""

    seconds: float = 0.0
    fresh_id: bool = False


@dataclass(slots=True)
class Fault:
    """What goes wrong with which deliveries; what is left empty matches every one.

    `source` is how the event's source begins, `detail_type` is the whole of it; `rule` and `target`
    are parts of ARNs, `about` is a part of the event. Of the deliveries that match, the share
    `rate` is struck, evenly spread, `count` of them at most. A late one, or the second of two,
    comes after `seconds`; with `fresh_ids` the second has an id of its own, as when the service
    sent twice, otherwise it is the same event again.
    """

    name: str
    kind: str
    source: str = ""
    detail_type: str = ""
    rule: str = ""
    target: str = ""
    about: str = ""
    rate: float = 1.0
    count: int | None = None
    seconds: float = 0.0
    fresh_ids: bool = False
    matched: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a fault that could not be."""
        if self.kind not in KINDS:
            message = f"kind is one of {', '.join(sorted(KINDS))}, not {self.kind!r}"
            raise ValueError(message)
        if not 0 <= self.rate <= 1 or self.seconds < 0:
            message = "rate is from 0 to 1, seconds are not negative"
            raise ValueError(message)

    def strikes(self, passage: Passage) -> bool:
        """Whether this delivery is struck; counts."""
        if not self._matches(passage):
            return False
        self.matched += 1
        spent = self.count is not None and self.struck >= self.count
        if spent or int(self.matched * self.rate) == int((self.matched - 1) * self.rate):
            return False
        self.struck += 1
        return True

    def _matches(self, passage: Passage) -> bool:
        return (
            passage.source.startswith(self.source)
            and self.detail_type in {"", passage.detail_type}
            and self.rule in passage.rule
            and self.target in passage.target
            and self.about in passage.text
        )

    def change(self, legs: list[Leg]) -> Iterator[Leg]:
        """What becomes of the deliveries there would be."""
        for leg in legs:
            if self.kind == "delay":
                yield Leg(leg.seconds + self.seconds, leg.fresh_id)
            elif self.kind == "duplicate":
                yield leg
                yield Leg(leg.seconds + self.seconds, leg.fresh_id or self.fresh_ids)


_lock = threading.Lock()
_faults: dict[str, Fault] = {}


def legs(passage: Passage) -> list[Leg]:
    """The deliveries that are made of one; none when it is lost."""
    found = [Leg()]
    with _lock:
        for fault in _faults.values():
            if fault.strikes(passage):
                found = list(fault.change(found))
    return found


def another_id(event_id: str) -> str:
    """The id under which a service sent an event again: the same for every target."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, event_id))


def mount() -> None:
    """Serve `/_localcloud/deliveries`."""
    control.route("deliveries")(_tell)


def stop() -> None:
    """Nothing runs here."""


def _tell(body: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Every fault and its counts; with a body, one is added or put in another's place first.

    A body of only a `name` takes that one away; the answer still tells it.
    """
    with _lock:
        told = dict(_faults)
        if body is not None:
            told |= _changed(body)
        return [asdict(fault) for fault in told.values()]


def _changed(body: dict[str, Any]) -> dict[str, Fault]:
    name = body["name"]
    if set(body) == {"name"}:
        return {name: _faults.pop(name)}
    _faults[name] = Fault(**body)
    return {name: _faults[name]}
