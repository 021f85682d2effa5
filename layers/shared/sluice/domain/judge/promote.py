"""Evidence that the canary is not materially worse: p_c < rho1 p_s + delta1.

The mirror image of the likelihood bets, against the null that it is. It begins anew with each
step, so that a materially worse canary passes each step on evidence with chance <= beta.
"""

from __future__ import annotations

from math import exp, inf, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.domain.judge.settings import Config

FACTORS = (0.0, 0.2, 0.4, 0.6, 0.75, 0.9)
_LN_FACTORS = tuple((one, log(one) if one else -inf) for one in FACTORS)


def promote_bets(
    minute: tuple[float, float, float, float], phi: float, config: Config
) -> list[float]:
    """The log of what a minute (n_c, x_c, n_s, x_s) multiplies each bet by.

    With b = 1 + (1 - a) rho1 n_c / n_s:
    ln e = [x_c ln a + x_s ln b + (1 - a) delta1 n_c] / phi, and 0 ln 0 = 0.
    """
    n_c, x_c, n_s, x_s = minute
    share, extra = config.margin_ratio * n_c / n_s, config.margin_abs * n_c
    return [
        ((x_c * ln_a if x_c else 0.0) + x_s * log(1 + (1 - a) * share) + (1 - a) * extra) / phi
        for a, ln_a in _LN_FACTORS
    ]


def log_mean(logs: list[float]) -> float:
    """The log of the mean of what `logs` are the logs of; the bet that lost all does not count."""
    most = max(logs)
    if most == -inf:
        return most
    return most + log(sum([exp(one - most) for one in logs]) / len(logs))


def needed(config: Config) -> float:
    """The log evidence of the best bet that is enough whatever the others lost."""
    return config.promote_threshold + log(len(FACTORS))


def growth(rate: float, share: float, phi: float, config: Config) -> float:
    """Log evidence that a canary request is worth, if both variants have `rate` bad requests.

    `share` is canary requests for each of stable.
    """
    worth = promote_bets((1.0, rate, 1 / share, rate / share), phi, config)
    return max(worth)
