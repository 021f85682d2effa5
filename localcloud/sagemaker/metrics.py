"""Invocation metrics of each variant, in CloudWatch's own store and on virtual time.

Requests are counted here and reach the store ten virtual seconds later at most: one point per
metric, minute and distinct value, so that statistics and percentiles are exact (latencies keep two
significant digits). As on AWS there is no point without traffic. Everything runs on the gateway's
event loop, as the store does.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from localcloud import hooks
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

NAMESPACE = "AWS/SageMaker"
_FLUSH_SECONDS = 10.0
_MINUTE = 60.0
_KEPT_SECONDS = 26 * 3600.0
_LATENCIES = {"ModelLatency", "OverheadLatency"}

_Dimensions = tuple[tuple[str, str], ...]
_Series = tuple[_Dimensions, str, float]


@dataclass(frozen=True, slots=True)
class Invocation:
    """How one request went.

    `config` is told once an update gave the endpoint a second fleet; `status` is what the model's
    code answered, if it did.
    """

    endpoint: str
    variant: str
    config: str | None
    status: int | None
    model_seconds: float
    overhead_seconds: float
    instances: int = 1
    """How many instances the variant has."""

    def dimensions(self) -> list[_Dimensions]:
        """By variant and, where the configuration is told, by variant and configuration too."""
        variant = (("EndpointName", self.endpoint), ("VariantName", self.variant))
        if self.config is None:
            return [variant]
        return [variant, (*variant, ("EndpointConfigName", self.config))]

    def values(self) -> dict[str, float]:
        """Its value in each metric.

        The error metrics are 0 or 1 with every request, so their Average is a rate.
        InvocationModelErrors also counts requests the container did not answer.
        """
        kind = None if self.status is None else self.status // 100
        return {
            "Invocations": 1.0,
            # "1/numberOfInstances is sent as the value on each request" (ScalingPolicyMetric).
            "InvocationsPerInstance": 1.0 / self.instances,
            "Invocation4XXErrors": float(kind == 4),  # noqa: PLR2004
            "Invocation5XXErrors": float(kind == 5),  # noqa: PLR2004
            "InvocationModelErrors": float(kind != 2),  # noqa: PLR2004
            "ModelLatency": _microseconds(self.model_seconds),
            "OverheadLatency": _microseconds(self.overhead_seconds),
        }


class Meter:
    """Counts requests, and puts the counts into the store."""

    def __init__(self) -> None:
        self._counts: dict[_Series, Counter[float]] = {}
        self._points: dict[_Series, dict[float, dict[str, Any]]] = {}
        self._flush: asyncio.TimerHandle | None = None

    def record(self, invocation: Invocation) -> None:
        """Count one request; call from the event loop."""
        minute = clock.now() // _MINUTE * _MINUTE
        for dimensions in invocation.dimensions():
            for name, value in invocation.values().items():
                self._counts.setdefault((dimensions, name, minute), Counter())[value] += 1
        if self._flush is None:
            delay = clock.real_seconds(_FLUSH_SECONDS)
            self._flush = asyncio.get_running_loop().call_later(delay, self.flush)

    def flush(self) -> None:
        """Move what was counted into the store."""
        self._flush = None
        counted, self._counts = self._counts, {}
        with request_scope(ACCOUNT, REGION):
            for series, counts in counted.items():
                self._store(series, counts)
            self._forget_before(clock.now() - _KEPT_SECONDS)

    def _store(self, series: _Series, counts: Counter[float]) -> None:
        """Add to the minute's points: one that is there already grows, so minutes stay small."""
        dimensions, name, minute = series
        points = self._points.setdefault(series, {})
        unit = "Microseconds" if name in _LATENCIES else "None"
        for value, count in counts.items():
            if value in points:
                points[value]["Count"] += float(count)
                continue
            cloudwatch._store_datum(
                NAMESPACE, name, dict(dimensions), minute, unit, None, [value], [count], None
            )
            points[value] = cloudwatch._metrics[_key(series)][-1]

    def _forget_before(self, cutoff: float) -> None:
        """Sooner than the store does; the oldest minute stands first, and the rest is not read."""
        for series in list(takewhile(lambda series: series[2] < cutoff, self._points)):
            points = cloudwatch._metrics.get(_key(series), [])
            cloudwatch._metrics[_key(series)] = [p for p in points if p["Timestamp"] >= cutoff]
            del self._points[series]


meter = Meter()


def require_hooks() -> None:
    """Declare what we use of the engine's metric store."""
    parameters = "namespace name dims ts unit value values counts stat_values"
    hooks.require(cloudwatch, "_store_datum", *parameters.split())
    hooks.require(cloudwatch, "_metrics", call=False)
    hooks.require(cloudwatch, "_dims_key", call=False)


def _key(series: _Series) -> tuple[str, str, str]:
    dimensions, name, _ = series
    return NAMESPACE, name, cloudwatch._dims_key(dict(dimensions))


def _microseconds(seconds: float) -> float:
    return float(f"{seconds * 1e6:.2g}")
