"""Intervals of rates (Wilson) and medians (order statistics), and what chance allows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, floor, inf, lgamma, log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_Z = 1.959963984540054
"""The normal quantile of 97.5 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`found` of `rollouts`."""

    found: int
    rollouts: int

    @property
    def value(self) -> float:
        """The share."""
        return self.found / self.rollouts

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95 %."""
        n, p = self.rollouts, self.value
        centre, spread = p + _Z**2 / (2 * n), _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        low = 0.0 if not self.found else (centre - spread) / (1 + _Z**2 / n)
        high = 1.0 if self.found == n else (centre + spread) / (1 + _Z**2 / n)
        return low, high


def pooled(rates: Sequence[Rate]) -> Rate:
    """All of them together."""
    return Rate(sum(one.found for one in rates), sum(one.rollouts for one in rates))


def median(minutes: Sequence[int], onset: int = 0) -> tuple[float, float, float]:
    """The median minutes after `onset`, and its 95 % interval; 0 stands for never, infinity."""
    ordered = sorted(minute - onset if minute else inf for minute in minutes)
    n = len(ordered)
    spread = _Z * sqrt(n) / 2
    low, high = max(0, floor(n / 2 - spread) - 1), min(n - 1, ceil(n / 2 + spread))
    return ordered[(n - 1) // 2], ordered[low], ordered[high]


def most_by_chance(rollouts: int, chance: float, unlikely: float) -> int:
    """The count that a binomial of `chance` exceeds with a probability of at most `unlikely`."""
    rest, count = 1.0, -1
    while rest > unlikely:
        count += 1
        rest -= exp(
            lgamma(rollouts + 1)
            - lgamma(count + 1)
            - lgamma(rollouts - count + 1)
            + count * log(chance)
            + (rollouts - count) * log(1 - chance)
        )
    return count


def percent(rate: Rate) -> str:
    """A rate with its interval."""
    low, high = rate.interval
    return f"{100 * rate.value:.3g} % [{100 * low:.3g}, {100 * high:.3g}]"


def minutes(found: tuple[float, float, float]) -> str:
    """A median with its interval."""
    return "{} [{}, {}]".format(*("never" if one == inf else f"{one:g}" for one in found))
