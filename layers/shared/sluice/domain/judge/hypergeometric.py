"""Which of two variants did worse in a minute, on the same number of requests, as a number.

The larger side is thinned at random to a common size; how many of its bad requests remain is
hypergeometric. If both variants' minutes are exchangeable, whatever their noise, either is as
likely to come out worse, so that the score is not positive on average.
"""

from __future__ import annotations

from math import ceil, exp, floor, lgamma

_ROUNDING = 1e-9
"""Keeps 1.1 x 50 at 55, which floats make a little more."""
_NEGLIGIBLE = 1e-18


def sign_score(minute: tuple[float, float, float, float], rho: float, delta: float) -> float:
    """From -1 (the canary did better, surely) to 1 (it did worse, surely).

    `minute` is (n_c, x_c, n_s, x_s). Stable is thinned to ceil(rho n_c) requests, or where it has
    fewer, the canary to floor(n_s / rho). Fractional counts are rounded.
    """
    n_c, x_c, n_s, x_s = map(round, minute)
    x_c = min(x_c, n_c) - ceil(delta * n_c - _ROUNDING)
    x_s = min(x_s, n_s)
    if x_c < 0:
        return -1.0
    size = ceil(rho * n_c - _ROUNDING)
    if size <= n_s:
        return below_less_above(x_c, size, x_s, n_s)
    return -below_less_above(x_s, floor(n_s / rho + _ROUNDING), x_c, n_c)


def below_less_above(x: int, drawn: int, bad: int, total: int) -> float:
    """P(H < x) - P(H > x), for H the bad ones among `drawn` of `total`, of which `bad` are bad."""
    good = total - bad
    if x < max(0, drawn - good):
        return -1.0
    if x > min(drawn, bad):
        return 1.0
    here = exp(
        _ln_choose(bad, x) + _ln_choose(good, drawn - x) - _ln_choose(total, drawn),
    )
    if x * total < drawn * bad:
        return 2 * _below(x, drawn, bad, good, here) + here - 1
    return 1 - 2 * _above(x, drawn, bad, good, here) - here


def _below(x: int, drawn: int, bad: int, good: int, term: float) -> float:
    """P(H < x), from P(H = x) by the ratio of neighbours."""
    tail, spare = 0.0, good - drawn
    while term > _NEGLIGIBLE:
        term *= x * (spare + x) / ((bad - x + 1) * (drawn - x + 1))
        tail += term
        x -= 1
    return tail


def _above(x: int, drawn: int, bad: int, good: int, term: float) -> float:
    """P(H > x), from P(H = x) by the ratio of neighbours."""
    tail, spare = 0.0, good - drawn + 1
    while term > _NEGLIGIBLE:
        term *= (bad - x) * (drawn - x) / ((x + 1) * (spare + x))
        tail += term
        x += 1
    return tail


def _ln_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
