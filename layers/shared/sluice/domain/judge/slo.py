"""Evidence against a fixed bad rate, for the step at all traffic: p_c > slo.

The one-sample likelihood ratio of Poisson counts; E[a^x] <= exp((a - 1) n p) makes it an e-value.
"""

from __future__ import annotations

from math import exp, log

FACTORS = (1.25, 1.5, 2.0, 4.0, 8.0, 16.0)
SHARES = (1 / len(FACTORS),) * len(FACTORS)


def slo_bets(n: float, x: float, slo: float, phi: float, cap: float) -> list[float]:
    """What a minute multiplies each bet by: ln e = [x ln a - (a - 1) slo n] / phi, capped."""
    return [exp(min((x * log(a) - (a - 1) * slo * n) / phi, cap)) for a in FACTORS]
