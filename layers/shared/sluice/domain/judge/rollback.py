"""Evidence that the canary is worse than is tolerated: p_c > rho p_s + delta.

Two kinds of bets. Likelihood bets say that the canary's rate is lambda times the tolerated one;
for independent requests they are the growth-optimal e-values of comparing two Poisson streams
(RIPr; Grünwald, de Heide, Koolen: Safe Testing). Sign bets look only at which variant did worse in
a minute; they hold under any noise that both variants' minutes share in distribution.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

from sluice.domain.judge.hypergeometric import sign_score

if TYPE_CHECKING:
    from sluice.domain.judge.settings import Config

LAMBDAS = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
KAPPAS = (0.3, 0.6, 0.9)
SHARES = (1 / 16,) * len(LAMBDAS) + (1 / 6,) * len(KAPPAS)
_LN_LAMBDAS = tuple(map(log, LAMBDAS))


def likelihood_bets(
    minute: tuple[float, float, float, float], phi: float, config: Config
) -> list[float]:
    """The log of what a minute (n_c, x_c, n_s, x_s) multiplies each likelihood bet by, capped.

    With N0 = rho n_c, b = (N0 + n_s) / (lambda N0 + n_s) and a = lambda b:
    ln e = [x_c ln a + x_s ln b - (a - 1) delta n_c] / phi. As (a - 1) N0 = (1 - b) n_s, the
    expectation of e is at most 1 for every p_c <= rho p_s + delta.
    """
    n_c, x_c, n_s, x_s = minute
    cap, tolerated = config.cap, config.tolerate_ratio * n_c
    both, bad, extra = tolerated + n_s, x_c + x_s, config.tolerate_abs * n_c
    shrunk = [(times, both / (times * tolerated + n_s)) for times in LAMBDAS]
    logs = [
        (x_c * ln_times + bad * log(b) - (times * b - 1) * extra) / phi
        for (times, b), ln_times in zip(shrunk, _LN_LAMBDAS, strict=True)
    ]
    return [won if won < cap else cap for won in logs]


def rollback_bets(
    minute: tuple[float, float, float, float], phi: float, config: Config
) -> list[float]:
    """What a minute multiplies each bet by: the likelihood bets, then the sign bets."""
    bets = list(map(exp, likelihood_bets(minute, phi, config)))
    score = sign_score(minute, config.tolerate_ratio, config.tolerate_abs)
    limit = exp(min(config.cap, 1.0))
    bets += [min(1 + kappa * score, limit) for kappa in KAPPAS]
    return bets


def in_words(bet: int) -> str:
    """What a bet says of the canary."""
    if bet < len(LAMBDAS):
        return f"{LAMBDAS[bet]:g}x the tolerated rate"
    return "worse than stable minute after minute"
