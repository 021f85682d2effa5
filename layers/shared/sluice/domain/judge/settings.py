"""What a judge may be told: how sure it must be, and how long a step may take.

The defaults are the ones that the benchmark measures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

ALMOST = 0.01
"""What `min_bad_minutes - 1` minutes together fall short of the threshold, in nats."""


@dataclass(frozen=True, slots=True)
class Config:
    """What the judge tolerates, and how often it may be wrong."""

    alpha: float = 0.01
    """The chance that a canary which is fine is rolled back: whole rollout, all metrics."""
    beta: float = 0.05
    """The chance that a materially worse canary passes a step on evidence."""
    tolerate_ratio: float = 1.1
    tolerate_abs: float = 0.0
    """Fine is: the canary's rate is at most `tolerate_ratio` x stable's + `tolerate_abs`."""
    margin_ratio: float = 1.5
    margin_abs: float = 0.005
    """Materially worse is: at least `margin_ratio` x stable's rate + `margin_abs`."""
    min_bad_minutes: int = 3
    """Fewer bad minutes than these never roll back, whatever they say."""

    @property
    def rollback_threshold(self) -> float:
        """The log evidence that rolls back (Ville: E reaches 1/alpha with chance <= alpha)."""
        return -math.log(self.alpha)

    @property
    def promote_threshold(self) -> float:
        """The log evidence that lets a step pass."""
        return -math.log(self.beta)

    @property
    def cap(self) -> float:
        """The most log evidence that one minute may add."""
        if self.min_bad_minutes == 1:
            return math.inf
        return (self.rollback_threshold - ALMOST) / (self.min_bad_minutes - 1)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a step bakes, in minutes, and when a judge must admit that it sees nothing."""

    min_bake: int = 5
    max_bake: int = 30
    last_max_bake: int = 60
    last_step: int = 2
    """Index of the last step before all traffic: it passes on evidence only."""
    expected_floor: float = 5.0
    """Requests a minute, on average, that a canary must have been due before silence counts."""
    blind_hold: int = 5
    """Minutes of such silence after which the rollout is held."""
    min_samples: int = 0
    """Canary requests without which a step does not pass, for those who want such a number."""

    def longest(self, step: int) -> int:
        """How long `step` may take."""
        return self.last_max_bake if step >= self.last_step else self.max_bake
