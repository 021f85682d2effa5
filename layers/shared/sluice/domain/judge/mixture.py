"""Evidence from several bets that may each have begun at any minute.

Nobody knows when a regression began, so each bet is begun a little at every minute: half of all
stakes at once, a tenth at the first minute of each later step, a fifth spread over all minutes as
1 / (t (t + 1)). A mixture of e-processes is an e-process, so Ville's inequality holds for it.
"""

from __future__ import annotations

from math import inf, log
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE, _AT_A_STEP, _AT_ANY_MINUTE = 0.5, 0.1, 0.2
_LARGE, _SMALLEST = 1e200, 1e-300


class Mixture:
    """W_j <- (W_j + pi_t) e_j,t  and  E_t = sum_j v_j W_j + (1 - sum of pi so far).

    Weights are kept in units of exp(`_offset`), as evidence may outgrow a float.
    """

    __slots__ = ("_offset", "_shares", "_step", "_unit", "_unstaked", "_weights", "_won", "bets")

    def __init__(self, shares: Sequence[float]) -> None:
        self._shares = shares
        self._weights = [0.0] * len(shares)
        self._unstaked = self._unit = 1.0
        self._offset = self._won = 0.0
        self._step: int | None = None
        self.bets: list[Sequence[float]] = []
        """What each bet multiplied its stakes by, a minute after another."""

    def add(self, step: int, bets: Sequence[float]) -> None:
        """A minute with data, in `step`: what each bet multiplies its stakes by."""
        staked = self._stake(step) * self._unit
        self.bets.append(bets)
        self._weights = [
            (weight + staked) * bet for weight, bet in zip(self._weights, bets, strict=True)
        ]
        self._won = sum(map(mul, self._shares, self._weights))
        if self._won > _LARGE:
            self._won /= _LARGE
            self._weights = [weight / _LARGE for weight in self._weights]
            self._unit /= _LARGE
            self._offset += log(_LARGE)

    def log_evidence(self) -> float:
        """The log of E so far."""
        return log(max(self._won + self._unstaked * self._unit, _SMALLEST)) + self._offset

    def _stake(self, step: int) -> float:
        minute = len(self.bets) + 1
        stake = _AT_ANY_MINUTE / (minute * (minute + 1))
        if step != self._step:
            stake += first_stake(new_rollout=self._step is None)
        self._step = step
        stake = min(stake, self._unstaked)
        self._unstaked -= stake
        return stake


def first_stake(*, new_rollout: bool) -> float:
    """What is staked at a step's first minute because it is the first."""
    return _AT_ONCE if new_rollout else _AT_A_STEP


def paid_most(bets: Sequence[Sequence[float]]) -> tuple[int, int] | None:
    """Which bet, begun at which minute (from 0), multiplied its stake most by the last minute.

    That is the likeliest of the stories told: its kind and its onset. None: there was no minute.
    """
    best: tuple[float, int, int] | None = None
    for index, course in enumerate(zip(*bets, strict=True)):
        value, start = 0.0, 0
        for minute, bet in enumerate(course):
            if value <= 0:
                value, start = 0.0, minute
            value += log(bet) if bet else -inf
        if best is None or value > best[0]:
            best = (value, index, start)
    return (best[1], best[2]) if best else None
