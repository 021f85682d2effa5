"""What a judge may be told: how sure it must be, and how long a step may take.

The defaults are the ones that the benchmark measures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sluice.domain.judge.checks import an_object, is_number, must

ALMOST = 0.01
"""What `min_bad_minutes - 1` minutes together fall short of the threshold, in nats."""
MOST = 200.0
"""What one minute may add where no cap is asked for; more would not fit into a float."""


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
            return MOST
        return min(MOST, (self.rollback_threshold - ALMOST) / (self.min_bad_minutes - 1))


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


def read_config(given: Any) -> Config:
    """The judge's settings, checked. Raises `JudgeDocumentError`."""
    values = an_object(given, "config", Config.__dataclass_fields__)
    for name, value in values.items():
        must(is_number(value), f"config.{name} is {value!r}: give a number")
    config = Config(**values)
    for name in ("alpha", "beta"):
        chance = getattr(config, name)
        must(0 < chance < 1, f"config.{name} is {chance}: give a chance between 0 and 1")
    for name in ("tolerate_ratio", "margin_ratio"):
        ratio = getattr(config, name)
        must(ratio >= 1, f"config.{name} is {ratio}: give 1 or more")
    for name in ("tolerate_abs", "margin_abs"):
        rate = getattr(config, name)
        must(0 <= rate < 1, f"config.{name} is {rate}: give a rate from 0 to less than 1")
    minutes = config.min_bad_minutes
    whole = minutes >= 1 and minutes % 1 == 0
    must(whole, f"config.min_bad_minutes is {minutes}: give a whole number of 1 or more")
    return config


def read_policy(given: Any) -> Policy:
    """The patience, checked. Raises `JudgeDocumentError`."""
    values = an_object(given, "policy", Policy.__dataclass_fields__)
    for name, value in values.items():
        fine = is_number(value) and value >= 0 and (name == "expected_floor" or value % 1 == 0)
        must(fine, f"policy.{name} is {value!r}: give a whole number of 0 or more")
    policy = Policy(**values)
    must(policy.blind_hold >= 1, "policy.blind_hold is 0: give 1 or more")
    ordered = policy.min_bake <= min(policy.max_bake, policy.last_max_bake)
    must(ordered, "policy.min_bake must not exceed policy.max_bake and policy.last_max_bake")
    return policy
