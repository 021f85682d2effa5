"""Kayenta's judge (NetflixACAJudge-v1.0): Mann-Whitney on minutes, from its published behaviour.

High, and so a rollback, where the confidence interval (98 %) of the shift lies above a quarter of
the Hodges-Lehmann estimate, and the canary's mean is not below stable's. Interval and estimate are
roots of the rank statistic with continuity correction, found by Brent's method to 1e-4, as R does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from math import copysign, sqrt
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.judge.rules import canary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.judge.generator import Batch, Counts

_Z = 2.3263478740408408
"""The normal quantile of 1 %, either side of 98 %."""
_TOLERANCE, _EPSILON = 1e-4, 2.0**-52
_QUARTER = 0.25


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the canary's minutes lie above stable's."""

    lower: float
    upper: float
    estimate: float


def is_high(experiment: Sequence[float], control: Sequence[float]) -> bool:
    """Whether the judge calls the canary's metric High.

    Where each side has one value only, it ends in an error: that is no verdict.
    """
    if not experiment or not control or sorted(experiment) == sorted(control):
        return False
    if len(set(experiment)) == len(set(control)) == 1:
        return False
    if sum(experiment) / len(experiment) < sum(control) / len(control):
        return False
    found = shift(experiment, control)
    return found.lower > _QUARTER * abs(found.estimate)


def shift(experiment: Sequence[float], control: Sequence[float]) -> Shift:
    """The interval of 98 % and the Hodges-Lehmann estimate."""
    statistic = _Statistic(experiment, control)
    low, high = min(experiment) - max(control), max(experiment) - min(control)
    return Shift(
        lower=_root(statistic, _Z, low, high),
        upper=_root(statistic, -_Z, low, high),
        estimate=_root(statistic, 0.0, low, high),
    )


class _Statistic:
    """The standardised rank sum of the experiment, moved down by some amount.

    The rank sum is a count of differences above the amount, so that they need sorting only once;
    ties between the two sides exist just where the amount is one of them.
    """

    def __init__(self, experiment: Sequence[float], control: Sequence[float]) -> None:
        self._x, self._y = experiment, control
        self._differences = sorted(x - y for x in experiment for y in control)
        self._ties = _tied(experiment) + _tied(control)

    def __call__(self, amount: float) -> float:
        many, other = len(self._x), len(self._y)
        below = bisect_left(self._differences, amount)
        equal = bisect_right(self._differences, amount) - below
        above = many * other - below - equal
        centred = above + equal / 2 - many * other / 2
        ties = _tied([x - amount for x in self._x] + list(self._y)) if equal else self._ties
        both = many + other
        spread = sqrt(many * other / 12 * (both + 1 - ties / (both * (both - 1))))
        return (centred - (copysign(0.5, centred) if centred else 0.0)) / spread


def _tied(values: Sequence[float]) -> int:
    return sum(count**3 - count for count in Counter(values).values())


def _root(statistic: _Statistic, quantile: float, low: float, high: float) -> float:
    at_low, at_high = statistic(low) - quantile, statistic(high) - quantile
    if at_low <= 0:
        return low
    if at_high >= 0:
        return high
    return _brent(lambda amount: statistic(amount) - quantile, (low, at_low), (high, at_high))


def _brent(
    function: Callable[[float], float], left: tuple[float, float], right: tuple[float, float]
) -> float:
    """A zero between two points, by Brent's method (1973, chapter 4)."""
    (a, fa), (b, fb) = left, right
    c, fc = a, fa
    while True:
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c, fa, fb, fc = b, c, b, fb, fc, fb
        tolerance = 2 * _EPSILON * abs(b) + _TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= tolerance or fb == 0:
            return b
        if abs(before) >= tolerance and abs(fa) > abs(fb):
            step = _interpolated(((a, fa), (b, fb), (c, fc)), before, tolerance)
        if abs(step) < tolerance:
            step = copysign(tolerance, step)
        a, fa = b, fb
        b += step
        fb = function(b)
        if fb * fc > 0:
            c, fc = a, fa


def _interpolated(
    points: tuple[tuple[float, float], ...], before: float, tolerance: float
) -> float:
    """The step of the secant, or of the inverse parabola; half the way where it is too bold."""
    (a, fa), (b, fb), (c, fc) = points
    way, ratio = c - b, fb / fa
    if a == c:
        p, q = way * ratio, 1 - ratio
    else:
        q, r = fa / fc, fb / fc
        p = ratio * (way * q * (q - r) - (b - a) * (r - 1))
        q = (q - 1) * (r - 1) * (ratio - 1)
    p, q = (p, -q) if p > 0 else (-p, q)
    bold = p >= 0.75 * way * q - abs(tolerance * q) / 2 or p >= abs(before * q / 2)
    return way / 2 if bold else p / q


def kayenta_per_step(batch: Batch) -> Counts:
    """Judged at the end of each step, on the step's minutes."""
    ends = np.cumsum(batch.scenario.ladder.step_minutes).tolist()
    windows = list(zip([0, *ends], ends, strict=False))
    return _judged(batch, windows)


def kayenta_every_10(batch: Batch) -> Counts:
    """Judged every ten minutes, on the step's minutes so far."""
    ends = np.cumsum(batch.scenario.ladder.step_minutes).tolist()
    windows = [
        (start, until)
        for start, end in zip([0, *ends], ends, strict=False)
        for until in range(start + 10, end + 1, 10)
    ]
    return _judged(batch, windows)


def _judged(batch: Batch, windows: Sequence[tuple[int, int]]) -> Counts:
    n, x = canary(batch)
    with np.errstate(invalid="ignore", divide="ignore"):
        experiment, control = x / n, batch.x_s / batch.n_s
    found = np.zeros(len(n), dtype=np.int64)
    for rollout in range(len(n)):
        sides = experiment[rollout], control[rollout]
        for start, end in windows:
            values = [one[start:end][~np.isnan(one[start:end])].tolist() for one in sides]
            if is_high(values[0], values[1]):
                found[rollout] = end
                break
    return found
