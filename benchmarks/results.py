"""A result: figures that another machine would find too, then those of this one; and comparing two.

Kept as JSON, one file for each date and revision. Whatever is in `budget` may fall, and not rise.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.artifact import Size
from benchmarks.scenario import REFERENCE

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE = 0.02
"""Another C library or processor executes slightly other instructions."""


@dataclass(frozen=True, slots=True)
class Event:
    """One function's cold start and first event."""

    function: str
    event: str
    init_instructions: int | None
    """None where valgrind was missing."""
    instructions: int | None
    """To the end of the first event, init included."""
    calls: list[str]
    """AWS calls, in order."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The same on this machine: minima over some fresh processes, the largest peak."""

    function: str
    event: str
    init_cpu_ms: float
    cpu_ms: float
    peak_rss_mib: float


@dataclass(frozen=True, slots=True)
class Result:
    """Everything one run found out."""

    date: str
    revision: str
    note: str
    python: str
    valgrind: str
    events: list[Event]
    sizes: dict[str, Size]
    """By logical ID."""
    timings: list[Timing]

    @property
    def stem(self) -> str:
        """What the result's file is called, without its suffix."""
        return f"{self.date}_{self.revision}"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure is, and how far another one may lie above it."""

    value: int
    tolerance: float = 0.0

    def exceeded_by(self, value: int) -> bool:
        """Whether `value` is more than may be."""
        return value > self.value * (1 + self.tolerance)


def budget(result: Result) -> dict[str, Limit]:
    """Every figure of ours that must not rise, by what it is a figure of."""
    return {**_event_limits(result.events), **_size_limits(result.sizes)}


def risen(before: Result, after: Result) -> list[str]:
    """What rose between two results, of that which both of them measured; one line each."""
    limits, found = budget(before), budget(after)
    return [
        f"{name}: {found[name].value:,} after {limit.value:,}"
        for name, limit in limits.items()
        if name in found and limit.exceeded_by(found[name].value)
    ]


def dump_result(result: Result) -> str:
    """The result as its file holds it."""
    return json.dumps(asdict(result), indent=2) + "\n"


def load_result(file: Path) -> Result:
    """The result in a file that `dump_result` wrote."""
    found: dict[str, Any] = json.loads(file.read_text())
    parts = {
        "events": [Event(**one) for one in found["events"]],
        "sizes": {name: Size(**one) for name, one in found["sizes"].items()},
        "timings": [Timing(**one) for one in found["timings"]],
    }
    return Result(**{**found, **parts})


def _event_limits(events: list[Event]) -> dict[str, Limit]:
    limits: dict[str, Limit] = {}
    for one in (event for event in events if event.function != REFERENCE):
        subject = f"{one.function}, {one.event}"
        if one.instructions is not None and one.init_instructions is not None:
            limits[f"{subject}: instructions of init"] = Limit(one.init_instructions, TOLERANCE)
            limits[f"{subject}: instructions"] = Limit(one.instructions, TOLERANCE)
        limits[f"{subject}: AWS calls"] = Limit(len(one.calls))
        for call, times in Counter(one.calls).items():
            limits[f"{subject}: {call}"] = Limit(times)
    return limits


def _size_limits(sizes: dict[str, Size]) -> dict[str, Limit]:
    limits: dict[str, Limit] = {}
    for name, size in sizes.items():
        limits[f"{name}: files"] = Limit(size.files, TOLERANCE)
        limits[f"{name}: bytes"] = Limit(size.bytes, TOLERANCE)
        limits[f"{name}: sources without byte code"] = Limit(size.sources - size.compiled)
    return limits
