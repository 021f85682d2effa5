"""What others deploy with, written from their documentation: when each would roll back.

A rule takes a batch and gives, for each rollout, the minute at which it rolls back; 0 is never.
All look once a minute at the same ladder. What a tool does without data is what it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.judge.generator import Batch, Counts, Floats

type Flags = NDArray[np.bool_]
type Rule = Callable[[Batch], Counts]


def first(flags: Flags) -> Counts:
    """The first minute that is flagged, counted from 1; 0 where none is."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1) + 1, 0)


def flagger_docs(batch: Batch) -> Counts:
    """Flagger: success of the canary below 99 % over a minute, or no values, ten times in all.

    docs.flagger.app, "How it works": interval 1m, threshold 10, request-success-rate min 99.
    Failed checks are counted over the whole rollout; "no values found" is one of them.
    """
    n, x = canary(batch)
    with np.errstate(invalid="ignore", divide="ignore"):
        failed = (n == 0) | (1 - x / n < 0.99)
    return first(np.cumsum(failed, axis=1) >= 10)


def argo_docs(batch: Batch) -> Counts:
    """Argo Rollouts: success below 95 % of the last five minutes, every five, four times in all.

    Argo's page on analysis: interval 5m, successCondition result[0] >= 0.95, failureLimit 3.
    NaN, no requests, does not meet the condition.
    """
    n, x = (windowed(one, 5) for one in canary(batch))
    due = np.arange(1, n.shape[1] + 1) % 5 == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        failed = due & ((n == 0) | (1 - x / n < 0.95))
    return first(np.cumsum(failed, axis=1) > 3)


def argo_cloudwatch_docs(batch: Batch) -> Counts:
    """Argo with CloudWatch: any 5-minute point of the last 30 minutes above 1 %, four polls.

    Argo's page on CloudWatch: every minute, all(Values <= 0.01), failureLimit 3. It also asks for
    five points, which aborts every rollout at the fourth poll; here it waits for its points.
    """
    n, x = canary(batch)
    rate = _ratio(windowed(x, 5), windowed(n, 5))
    minutes = np.arange(1, n.shape[1] + 1)
    point_over = (minutes % 5 == 0) & (rate > 0.01)
    failed = windowed(point_over.astype(np.int64), 30) > 0
    return first(np.cumsum(failed, axis=1) > 3)


def sam_alarm(batch: Batch) -> Counts:
    """CodeDeploy with SAM's sample alarm: the canary's Errors, Sum > 0, in two minutes running."""
    _, x = canary(batch)
    return first(_running(x > 0, 2))


def hand_tuned_alarm(batch: Batch) -> Counts:
    """What a careful operator sets: 0.5 points above 1.5 times the usual rate, three minutes.

    That is the judge's own margin of what is materially worse, as an alarm on the canary. A minute
    without requests does not breach.
    """
    n, x = canary(batch)
    hist_n, hist_x = batch.history
    usual = hist_x.sum(axis=1, keepdims=True) / hist_n.sum(axis=1, keepdims=True)
    return first(_running(_ratio(x, n) > 1.5 * usual + 0.005, 3))


def sagemaker_documented(batch: Batch) -> Counts:
    """SageMaker's guardrail as documented: Average of 0s and 1s GreaterThanThreshold 1: never."""
    return first(_both_fleets(batch) > 1)


def sagemaker_corrected(batch: Batch) -> Counts:
    """The same alarm at 0.01: both fleets together, two periods of ten minutes."""
    periods = np.arange(1, batch.n_c.shape[1] + 1) % 10 == 0
    over = periods & (_both_fleets(batch) > 0.01)
    before = np.zeros_like(over)
    before[:, 10:] = over[:, :-10]
    return first(over & before)


def peeked_z_test(batch: Batch) -> Counts:
    """A two-proportion z-test at 1 %, one-sided, looked at every minute on all data so far."""
    difference, variance = _totals(batch)
    with np.errstate(invalid="ignore", divide="ignore"):
        return first(difference / np.sqrt(variance) > 2.3263478740408408)


def msprt(batch: Batch) -> Counts:
    """Johari et al.: normal mixture of the difference of rates, tau 1 %, alpha 1 %."""
    difference, variance = _totals(batch)
    tau = 0.01**2
    with np.errstate(invalid="ignore", divide="ignore"):
        log_ratio = 0.5 * np.log(variance / (variance + tau)) + tau * difference**2 / (
            2 * variance * (variance + tau)
        )
    return first((log_ratio >= np.log(100)) & (difference > 0))


def multinomial(batch: Batch) -> Counts:
    """Lindon and Malek: the split of bad requests against the planned weights, alpha 1 %.

    Bayes factor of a uniform prior on the canary's share of them, begun anew at each step.
    """
    x_c, x_s = canary(batch)[1], batch.x_s
    steps, weights = np.array(batch.scenario.ladder.steps), batch.scenario.ladder.weights
    log_factor, carried = np.zeros(x_c.shape), np.zeros((len(x_c), 1))
    more = np.zeros(x_c.shape, dtype=bool)
    for step, weight in enumerate(weights):
        here = steps == step
        c, s = np.cumsum(x_c[:, here], axis=1), np.cumsum(x_s[:, here], axis=1)
        planned = c * np.log(weight) + s * np.log(1 - weight)
        log_factor[:, here] = carried + _log_beta(c, s) - planned
        more[:, here] = c > weight * (c + s)
        carried = log_factor[:, here][:, -1:]
    return first((log_factor >= np.log(100)) & more)


def third_minute(batch: Batch) -> Counts:
    """What nobody can beat who never rolls back on two bad minutes: to know, and wait for three."""
    scenario = batch.scenario
    return np.full(len(batch.n_c), 0 if scenario.effect is None else scenario.onset + 3)


def canary(batch: Batch) -> tuple[Counts, Counts]:
    """N and x of the canary, as far as they are known."""
    return np.where(batch.known, batch.n_c, 0), np.where(batch.known, batch.x_c, 0)


def windowed(values: Counts, minutes: int) -> Counts:
    """Sums over the last minutes."""
    sums = np.cumsum(values, axis=1)
    sums[:, minutes:] = sums[:, minutes:] - np.cumsum(values, axis=1)[:, :-minutes]
    return sums


def _running(flags: Flags, minutes: int) -> Flags:
    running: Flags = windowed(flags.astype(np.int64), minutes) == minutes
    return running


def _ratio(x: Counts, n: Counts) -> Floats:
    return np.divide(x, n, out=np.zeros(x.shape), where=n > 0)


def _both_fleets(batch: Batch) -> Floats:
    n, x = batch.n_c + batch.n_s, batch.x_c + batch.x_s
    return _ratio(windowed(x, 10), windowed(n, 10))


def _log_beta(x: Counts, y: Counts) -> Floats:
    """The log of Beta(1 + x, 1 + y), from a table of log factorials."""
    top = int((x + y).max()) + 2
    table = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, top)))])
    logs: Floats = table[x] + table[y] - table[x + y + 1]
    return logs


def _totals(batch: Batch) -> tuple[Floats, Floats]:
    """Difference of the rates so far, and its variance with the pooled rate."""
    n_c, x_c = (np.cumsum(one, axis=1) for one in canary(batch))
    n_s, x_s = np.cumsum(batch.n_s, axis=1), np.cumsum(batch.x_s, axis=1)
    pooled = _ratio(x_c + x_s, n_c + n_s)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = pooled * (1 - pooled) * (1 / n_c + 1 / n_s)
    return _ratio(x_c, n_c) - _ratio(x_s, n_s), variance
