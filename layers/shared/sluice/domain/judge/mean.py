"""Evidence that the mean of a score fell, from sums and counts alone.

With h = n_c n_s / (n_c + n_s) the difference of means times h is nearly normal with variance
sigma^2 h; ln e = d / sigma S - d^2 h / 2 is the likelihood ratio of a drop of d sigma (the mixture
of the sequential probability ratio test; Robbins). This is asymptotic, not exact.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DROPS = (0.02, 0.05, 0.1, 0.2, 0.5)
SHARES = (1 / len(DROPS),) * len(DROPS)
_ENOUGH = 10
"""Pairs of minutes without which nothing is known of the scatter."""


def spread(history: Sequence[tuple[float, float]]) -> float:
    """sigma, from successive minutes of stable, so that noise between minutes is in it.

    sigma^2 is the average of (mean_t - mean_{t-1})^2 / (1/n_t + 1/n_{t-1}); 0 when not known.
    """
    if len(history) <= _ENOUGH:
        return 0.0
    squares = [
        (after / n - before / m) ** 2 / (1 / n + 1 / m)
        for (m, before), (n, after) in pairwise(history)
    ]
    return sqrt(sum(squares) / len(squares))


def drop_bets(
    counts: tuple[float, float, float, float], tolerated: float, sigma: float, cap: float
) -> list[float]:
    """What a minute multiplies each bet on a drop beyond the tolerated one by, capped."""
    h, fall = _fall(counts)
    return [exp(min(won, cap)) for won in _ratios(h, (fall - tolerated) / sigma)]


def no_drop_bets(
    counts: tuple[float, float, float, float], margin: float, sigma: float
) -> list[float]:
    """The log of what it multiplies each bet on a drop smaller than `margin` by."""
    h, fall = _fall(counts)
    return _ratios(h, (margin - fall) / sigma)


def _fall(counts: tuple[float, float, float, float]) -> tuple[float, float]:
    n_c, sum_c, n_s, sum_s = counts
    return n_c * n_s / (n_c + n_s), sum_s / n_s - sum_c / n_c


def _ratios(h: float, standardised: float) -> list[float]:
    return [d * h * standardised - d * d * h / 2 for d in DROPS]
