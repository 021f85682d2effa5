"""The simulated services: what their traffic and errors look like, and how their canary differs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "judge_scenarios.json"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The steps of a rollout, and how long each is looked at."""

    weights: tuple[float, ...] = (0.05, 0.25, 0.5)
    step_minutes: tuple[int, ...] = (30, 30, 30)
    history_minutes: int = 180

    @property
    def minutes(self) -> int:
        """Minutes of the whole rollout; there is a look a minute."""
        return sum(self.step_minutes)

    @property
    def steps(self) -> list[int]:
        """The step that each minute belongs to."""
        return [step for step, count in enumerate(self.step_minutes) for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One service and one canary."""

    id: str
    rpm: int
    base: float
    """Requests a minute, and the share of them that is bad anyway."""
    effect: tuple[str, float] | None = None
    """What the canary does to that share: ("x", 5) times, ("+", 0.01) plus, ("=", 0.1) at least,
    ("margin", 0.005) one and a half times and that much more."""
    onset: int = 0
    """Minutes before it does so."""
    noise: str = ""
    """`clump`: errors come in runs; `bb`: each variant's minutes differ; `ar`: they drift."""
    kw: dict[str, float] = field(default_factory=dict)
    hist_noise: str | None = None
    """The noise of the history where it is another one."""
    drift: str = ""
    traffic: str = ""
    common_cv: float = 0.0
    """Noise from minute to minute that both variants share."""
    share: float = 1.0
    """What the canary gets of the share that its weight promises."""
    missing: float = 0.0
    """The share of the canary's minutes of which nothing is known."""
    ladder: Ladder = Ladder()

    @property
    def limit(self) -> bool:
        """Whether this one is known to be beyond what a judge can tell."""
        return self.id.startswith("LIMIT")

    @property
    def unseen(self) -> bool:
        """Whether its noise is one that the history does not show."""
        return self.hist_noise is not None

    def twin(self) -> Scenario:
        """The same service with a canary that is fine."""
        return replace(self, id=f"{self.id}, fine", effect=None, onset=0)


@cache
def healthy() -> tuple[Scenario, ...]:
    """Canaries that are fine."""
    return tuple(map(_scenario, _read()["healthy"]))


@cache
def regressions() -> tuple[Scenario, ...]:
    """Canaries that are not."""
    return tuple(map(_scenario, _read()["regression"]))


def seen() -> list[Scenario]:
    """Healthy scenarios whose noise the history shows."""
    return [one for one in healthy() if not one.unseen and not one.limit]


def unseen() -> list[Scenario]:
    """Those whose noise it does not show."""
    return [one for one in healthy() if one.unseen]


def grid() -> list[Scenario]:
    """Four volumes of traffic by eleven regressions, without noise: where rivals are compared."""
    return [one for one in regressions() if "/min base" in one.id]


@cache
def by_id() -> dict[str, Scenario]:
    """All of them."""
    return {one.id: one for one in (*healthy(), *regressions())}


@cache
def _read() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FILE.read_text())
    return read


def _scenario(row: dict[str, Any]) -> Scenario:
    ladder = _read()["ladder"]
    weights = tuple(ladder["weights"])
    known = Ladder(weights, (ladder["step_minutes"],) * len(weights), ladder["history_minutes"])
    effect = {"effect": tuple(row["effect"])} if "effect" in row else {}
    return Scenario(**{**row, **effect, "ladder": known})
