"""What is read of both variants, and what it counts.

Of an endpoint SageMaker counts, by variant; of an application Lambda does, by the version of the
function that the alias led to. There an error is an answer that the function did not give.

Errors are 5xx answers. Model errors are what `InvocationModelErrors` counts: 4xx answers, time-outs
and malformed answers as well. A 4xx is usually the caller's fault, and callers do not choose their
variant, so between variants it compares fairly; apart from 5xx it is kept because its base rate may
be high, and would hide a few faults of the canary's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.policy import ERRORS, LATENCY, MODEL_ERRORS
from sluice.domain.release import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.domain.policy import Policy, Score
    from sluice.domain.rollout import Deployed

CANARY, STABLE = "canary", "stable"
_SAGEMAKER, _LAMBDA = "AWS/SageMaker", "AWS/Lambda"


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic of one metric of a variant."""

    namespace: str
    metric: str
    stat: str
    score: Score | None = None
    """The metric of the engineers' own that it belongs to."""

    def column(self, side: str) -> str:
        """What it is called in a tally."""
        return f"{side} {self.namespace} {self.metric} {self.stat}"

    def dimensions(self, endpoint: str, variant: Deployed) -> dict[str, str]:
        """Which of the metric's values are the variant's."""
        if self.score:
            return {**self.score.dimensions, self.score.dimension: variant.variant}
        if self.namespace == _LAMBDA:
            return names.version_dimensions(variant.model, variant.variant)
        named = {"EndpointName": endpoint, "VariantName": variant.variant}
        config = variant.metric_config
        return {**named, "EndpointConfigName": config} if config else named


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric that is judged: `n`, and how `x` of them are counted."""

    name: str
    n: Series
    x: Series
    counts_good: bool = False
    """Whether `x` counts those that were good: the bad ones are the others."""
    score: Score | None = None

    def pair(self, n: float | None, x: float | None) -> tuple[float | None, float | None]:
        """`n` and how many of them were bad; of a score, their sum.

        CloudWatch has no data point where nothing was counted: without requests nothing is known,
        and a missing count beside them is 0. Counts that come late may exceed their requests.
        """
        if n is None or self.score:
            return n, x
        counted = min(x or 0, n)
        return n, n - counted if self.counts_good else counted


_REQUESTS = {
    System.SAGEMAKER: Series(_SAGEMAKER, "Invocations", "Sum"),
    System.BEDROCK: Series(_LAMBDA, "Invocations", "Sum"),
}
_COUNTED = {
    System.SAGEMAKER: {
        ERRORS: Series(_SAGEMAKER, "Invocation5XXErrors", "Sum"),
        MODEL_ERRORS: Series(_SAGEMAKER, "InvocationModelErrors", "Sum"),
    },
    System.BEDROCK: {ERRORS: Series(_LAMBDA, "Errors", "Sum")},
}
_TIMED = {
    System.SAGEMAKER: (_SAGEMAKER, "ModelLatency", 1000),
    System.BEDROCK: (_LAMBDA, "Duration", 1),
}
"""Which metric tells how long an answer took, and how many of its units a millisecond has."""


def compared(policy: Policy) -> tuple[Measure, ...]:
    """What is compared between the variants."""
    return tuple(_compared(policy))


def guarded(policy: Policy) -> tuple[Measure, ...]:
    """What is held against its allowed rate at all traffic."""
    requests, counted = _REQUESTS[policy.system], _COUNTED[policy.system]
    return tuple(Measure(name, requests, counted[name]) for name in policy.allowed)


def _compared(policy: Policy) -> Iterator[Measure]:
    for name, counted in _COUNTED[policy.system].items():
        yield Measure(name, _REQUESTS[policy.system], counted)
    if policy.latency_slo_ms:
        # Trimmed count: the data points up to the threshold (Statistics-definitions). The metric's
        # own sample count tells "none that fast" from "no data".
        namespace, metric, units = _TIMED[policy.system]
        within = f"TC(:{policy.latency_slo_ms * units})"
        yield Measure(
            LATENCY,
            Series(namespace, metric, "SampleCount"),
            Series(namespace, metric, within),
            counts_good=True,
        )
    for score in policy.scores:
        count, total = (
            Series(score.namespace, score.metric, stat, score) for stat in ("SampleCount", "Sum")
        )
        yield Measure(score.name, count, total, score=score)
