"""How each kind of metric turns a minute into bets: rates compared, a fixed rate, means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sluice.domain.judge import mean, rollback, slo
from sluice.domain.judge.design_effect import Dispersion, design_effect
from sluice.domain.judge.document import Kind
from sluice.domain.judge.promote import promote_bets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.domain.judge.document import Metric, Minute
    from sluice.domain.judge.settings import Config

type Counts = tuple[float, float, float, float]
"""n_c, x_c, n_s, x_s of a minute in which all are known."""


class Rule(Protocol):
    """What the bets on one metric are; `spread` is phi, or sigma of scores."""

    shares: Sequence[float]
    promotes: bool
    """Whether a step needs this metric's evidence to pass."""
    spread_before: float
    spread: float

    def usable(self, minute: Minute) -> Counts | None:
        """The counts to bet on; None when the minute says nothing."""

    def rollback(self, counts: Counts) -> Sequence[float]:
        """What the minute multiplies each bet on "worse than tolerated" by."""

    def promote(self, counts: Counts) -> Sequence[float]:
        """The log of what it multiplies each bet on "not materially worse" by."""

    def learn(self, minute: Minute) -> None:
        """The minute is over: what it says of later minutes' noise."""

    def in_words(self, bet: int) -> str:
        """What a bet says of the canary."""


class Compared:
    """The canary's rate against stable's."""

    shares: Sequence[float] = rollback.SHARES
    promotes = True

    def __init__(self, metric: Metric, config: Config) -> None:
        self._config = config
        self._live = Dispersion()
        self.spread_before = self.spread = design_effect(metric.history)

    def usable(self, minute: Minute) -> Counts | None:
        """A minute in which both variants had requests."""
        return both_known(minute)

    def rollback(self, counts: Counts) -> Sequence[float]:
        """Likelihood bets and sign bets."""
        return rollback.rollback_bets(counts, self.spread, self._config)

    def promote(self, counts: Counts) -> Sequence[float]:
        """The mirrored likelihood bets."""
        return promote_bets(counts, self.spread, self._config)

    def learn(self, minute: Minute) -> None:
        """phi_t = max(phi, phi drawn from the rollout's own minutes before t)."""
        if minute.n_s and minute.x_s is not None:
            self._live.add(minute.n_s, minute.x_s)
            self.spread = max(self.spread_before, self._live.shrunk_towards(self.spread_before))

    def in_words(self, bet: int) -> str:
        """What a bet says of the canary."""
        return rollback.in_words(bet)


class AgainstSlo:
    """The canary's rate against a fixed one: at all traffic there is nothing to compare with."""

    shares: Sequence[float] = slo.SHARES
    promotes = False

    def __init__(self, metric: Metric, config: Config) -> None:
        self._slo, self._cap = metric.slo, config.cap
        self.spread_before = self.spread = design_effect(metric.history)

    def usable(self, minute: Minute) -> Counts | None:
        """A minute in which the canary had requests."""
        if not minute.n_c or minute.x_c is None:
            return None
        return (minute.n_c, minute.x_c, 0.0, 0.0)

    def rollback(self, counts: Counts) -> Sequence[float]:
        """One-sample likelihood bets."""
        return slo.slo_bets(counts[0], counts[1], self._slo, self.spread, self._cap)

    def promote(self, counts: Counts) -> Sequence[float]:
        """None: a fixed rate says nothing of materially worse."""
        return ()

    def learn(self, minute: Minute) -> None:
        """Nothing: the canary must not choose its own noise."""

    def in_words(self, bet: int) -> str:
        """What a bet says of the canary."""
        return f"{slo.FACTORS[bet]:g}x the allowed rate"


class Means:
    """The canary's mean score against stable's."""

    shares: Sequence[float] = mean.SHARES

    def __init__(self, metric: Metric, config: Config) -> None:
        self._tolerate, self._margin = metric.tolerate_drop, metric.margin_drop
        self._cap = config.cap
        self.promotes = metric.margin_drop is not None
        self.spread_before = self.spread = mean.spread(metric.history)

    def usable(self, minute: Minute) -> Counts | None:
        """A minute in which both variants were scored, if the history says how scores scatter."""
        return both_known(minute) if self.spread else None

    def rollback(self, counts: Counts) -> Sequence[float]:
        """Bets on a drop of some standard deviations."""
        return mean.drop_bets(counts, self._tolerate, self.spread, self._cap)

    def promote(self, counts: Counts) -> Sequence[float]:
        """The mirrored bets on a smaller drop than the margin."""
        return mean.no_drop_bets(counts, self._margin or 0.0, self.spread)

    def learn(self, minute: Minute) -> None:
        """Nothing: the history has said it."""

    def in_words(self, bet: int) -> str:
        """What a bet says of the canary."""
        return f"a mean lower by {mean.DROPS[bet]:g} standard deviations"


def rule_for(metric: Metric, config: Config) -> Rule:
    """The rule of a metric's kind."""
    match metric.kind:
        case Kind.COMPARED:
            return Compared(metric, config)
        case Kind.SLO:
            return AgainstSlo(metric, config)
        case Kind.MEAN:
            return Means(metric, config)


def both_known(minute: Minute) -> Counts | None:
    """The counts of a minute in which both variants had requests and all is known."""
    if not minute.n_c or not minute.n_s or minute.x_c is None or minute.x_s is None:
        return None
    return (minute.n_c, minute.x_c, minute.n_s, minute.x_s)
