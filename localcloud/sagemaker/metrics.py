"""Invocation metrics of each variant, in CloudWatch's own store and on virtual time.

Requests are counted here and reach the store ten virtual seconds later at most: one point per metric, minute
and distinct value, so that statistics and percentiles are exact (latencies keep two significant digits).
As on AWS there is no point without traffic. Everything runs on the gateway's event loop, as the store does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
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

_Series = tuple[str, str, str, float]

_counts: dict[_Series, Counter[float]] = {}
_points: dict[_Series, dict[float, dict[str, Any]]] = {}
_flush_due = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """How one request went; `status` is what the model's code answered, None when it did not."""

    endpoint: str
    variant: str
    status: int | None
    model_seconds: float
    overhead_seconds: float


def require_hooks() -> None:
    """Declare what we use of the engine's metric store."""
    parameters = "namespace name dims ts unit value values counts stat_values"
    hooks.require(cloudwatch, "_store_datum", *parameters.split())
    hooks.require(cloudwatch, "_metrics", call=False)
    hooks.require(cloudwatch, "_dims_key", call=False)


def record(invocation: Invocation) -> None:
    """Count one request; call from the event loop.

    The three error metrics are sent as 0 or 1 with every request, so their Average is a rate.
    InvocationModelErrors also counts requests the container did not answer.
    """
    status = invocation.status
    values = {
        "Invocations": 1.0,
        "Invocation4XXErrors": float(status is not None and 400 <= status < 500),  # noqa: PLR2004
        "Invocation5XXErrors": float(status is not None and status >= 500),  # noqa: PLR2004
        "InvocationModelErrors": float(status is None or status >= 300),  # noqa: PLR2004
        "ModelLatency": _microseconds(invocation.model_seconds),
        "OverheadLatency": _microseconds(invocation.overhead_seconds),
    }
    minute = clock.now() // _MINUTE * _MINUTE
    for name, value in values.items():
        series = (invocation.endpoint, invocation.variant, name, minute)
        _counts.setdefault(series, Counter())[value] += 1
    _schedule_flush()


def flush() -> None:
    """Move what was counted into the store."""
    global _flush_due  # noqa: PLW0603
    _flush_due = False
    counted = dict(_counts)
    _counts.clear()
    with request_scope(ACCOUNT, REGION):
        for series, counts in counted.items():
            _store(series, counts)
        _forget_before(clock.now() - _KEPT_SECONDS)


def _schedule_flush() -> None:
    global _flush_due  # noqa: PLW0603
    if not _flush_due:
        _flush_due = True
        asyncio.get_running_loop().call_later(clock.real_seconds(_FLUSH_SECONDS), flush)


def _store(series: _Series, counts: Counter[float]) -> None:
    """Add to the minute's points: one that is there already grows, so minutes stay small."""
    endpoint, variant, name, minute = series
    points = _points.setdefault(series, {})
    for value, count in counts.items():
        if value in points:
            points[value]["Count"] += float(count)
            continue
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        unit = "Microseconds" if name in _LATENCIES else "None"
        cloudwatch._store_datum(
            NAMESPACE, name, dimensions, minute, unit, None, [value], [count], None
        )
        key = (NAMESPACE, name, cloudwatch._dims_key(dimensions))
        points[value] = cloudwatch._metrics[key][-1]


def _forget_before(cutoff: float) -> None:
    """The engine forgets by real time, which virtual time leaves behind."""
    for series in [series for series in _points if series[3] < cutoff]:
        endpoint, variant, name, _ = series
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        key = (NAMESPACE, name, cloudwatch._dims_key(dimensions))
        kept = [point for point in cloudwatch._metrics.get(key, []) if point["Timestamp"] >= cutoff]
        cloudwatch._metrics[key] = kept
        del _points[series]


def _microseconds(seconds: float) -> float:
    return float(f"{seconds * 1e6:.2g}")
