"""How much more than independent requests stable's bad requests vary from minute to minute.

Errors come in runs, and minutes differ. The design effect phi >= 1 (Kish) is the factor by which
the variance of counts exceeds the binomial one; log evidence is divided by it. It is learnt from
stable alone: the canary cannot influence it. Each minute is compared with the one before it, so
that slow drift cancels out, and the result is shrunk towards 1.5 with the weight of 20 minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PRIOR = 1.5
_PRIOR_WEIGHT = 20.0


class Dispersion:
    """Successive minutes of stable, and what they say of phi so far.

    For a pair (n1, x1), (n2, x2) with m = x1 + x2 and f = n1 / (n1 + n2), x1 is binomial(m, f) if
    requests are independent; raw = sum (x1 - m f)^2 / sum m f (1 - f). Its weight is
    nu = 2XH / (2X + H), with X bad requests in H minutes.
    """

    __slots__ = ("_bad", "_before", "_excess", "_expected", "_minutes")

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None
        self._excess = self._expected = self._bad = 0.0
        self._minutes = 0

    def add(self, n: float, x: float) -> None:
        """One more minute of stable with requests in it."""
        if self._before is not None:
            n_before, x_before = self._before
            both, share = x_before + x, n_before / (n_before + n)
            self._excess += (x_before - both * share) ** 2
            self._expected += both * share * (1 - share)
        self._before = (n, x)
        self._bad += x
        self._minutes += 1

    def shrunk_towards(self, prior: float) -> float:
        """phi, drawn towards `prior` by as much as the minutes say little."""
        raw, weight = self._excess / self._expected if self._expected else 0.0, self._weight()
        return (_PRIOR_WEIGHT * prior + weight * raw) / (_PRIOR_WEIGHT + weight)

    def _weight(self) -> float:
        if not self._bad:
            return 0.0
        return 2 * self._bad * self._minutes / (2 * self._bad + self._minutes)


def design_effect(history: Iterable[tuple[float, float]]) -> float:
    """The phi of stable's minutes before the rollout."""
    dispersion = Dispersion()
    for n, x in history:
        dispersion.add(n, x)
    return max(1.0, dispersion.shrunk_towards(PRIOR))
