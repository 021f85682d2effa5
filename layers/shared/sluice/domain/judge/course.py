"""The course of the evidence on one metric, minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.judge.mixture import Mixture, paid_most
from sluice.domain.judge.promote import log_mean
from sluice.domain.judge.rules import rule_for

if TYPE_CHECKING:
    from sluice.domain.judge.document import Metric
    from sluice.domain.judge.rules import Counts, Rule
    from sluice.domain.judge.settings import Config


@dataclass(frozen=True, slots=True)
class Course:
    """What one metric showed; lists have an entry a minute of the document."""

    metric: Metric
    rule: Rule
    mixture: Mixture
    log_e_rollback: list[float]
    log_e_promote: list[float]
    counts: list[Counts | None]
    """What was bet on; None: the minute said nothing."""

    def looks_like(self, minutes: int) -> tuple[str, int] | None:
        """The bet that paid most in the first `minutes`, in words, and the minute it is from."""
        told = [number for number, one in enumerate(self.counts[:minutes], 1) if one]
        best = paid_most(self.mixture.bets[: len(told)])
        return (self.rule.in_words(best[0]), told[best[1]]) if best else None


def follow(metric: Metric, config: Config) -> Course:
    """Walk through a metric's minutes; later ones never change what earlier ones gave."""
    rule = rule_for(metric, config)
    mixture = Mixture(rule.shares)
    course = Course(metric, rule, mixture, [], [], [])
    step, sums, log_rollback, log_promote = -1, [0.0], 0.0, 0.0
    for minute in metric.minutes:
        if minute.step != step:
            step, sums, log_promote = minute.step, [], 0.0
        counts = rule.usable(minute)
        if counts:
            mixture.add(step, rule.rollback(counts))
            log_rollback = mixture.log_evidence()
            if rule.promotes:
                won = rule.promote(counts)
                sums = [a + b for a, b in zip(sums, won, strict=True)] if sums else list(won)
                log_promote = log_mean(sums)
        rule.learn(minute)
        course.counts.append(counts)
        course.log_e_rollback.append(log_rollback)
        course.log_e_promote.append(log_promote)
    return course
