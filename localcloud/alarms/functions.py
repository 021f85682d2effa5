"""The functions of metric math, as the user guide's page "Using math expressions" lists them."""

import itertools
import math
import statistics
from collections.abc import Callable
from typing import Any

from localcloud.alarms.values import Scope, Series, Value, combine, series_of

_REDUCTIONS: dict[str, Callable[[list[float]], float]] = {
    "AVG": statistics.fmean,
    "MAX": max,
    "MIN": min,
    "STDDEV": statistics.pstdev,
    "SUM": math.fsum,
}
_MAPPED: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": math.log,
    "LOG10": math.log10,
}


def _metrics(scope: Scope, pattern: Value = "") -> Value:
    return [scope.series[name] for name in scope.metrics if str(pattern) in name]


def _reduction(calculate: Callable[[list[float]], float]) -> Callable[..., Value]:
    """Over one series a number, over several the series of what they have in each period."""

    def reduce(_: Scope, value: Value) -> Value:
        if isinstance(value, dict):
            return float(calculate(list(value.values()))) if value else {}
        if not isinstance(value, list):
            return value
        starts = sorted({start for series in value for start in series})
        return {
            start: float(calculate([series[start] for series in value if start in series]))
            for start in starts
        }

    return reduce


def _mapped(calculate: Callable[[float], float]) -> Callable[..., Value]:
    return lambda _, value: combine(lambda a, __: calculate(a), value, 0.0)


def _if(_: Scope, condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    if isinstance(condition, float):
        return then if condition else (0.0 if otherwise is None else otherwise)
    result: Series = {}
    for start, chosen in series_of(condition).items():
        value = then if chosen else otherwise
        found = value.get(start) if isinstance(value, dict) else value
        if isinstance(found, float):
            result[start] = found
    return result


def _fill(scope: Scope, value: Value, filling: Value) -> Value:
    if isinstance(value, list):
        return [series_of(_fill(scope, series, filling)) for series in value]
    series = series_of(value)
    return {
        start: found
        for start in scope.grid
        if (found := series.get(start, _filling(series, start, filling))) is not None
    }


def _filling(series: Series, start: float, filling: Value) -> float | None:
    if isinstance(filling, float):
        return filling
    if isinstance(filling, dict):
        return filling.get(start)
    before = max((other for other in series if other < start), default=None)
    after = min((other for other in series if other > start), default=None)
    if filling == "REPEAT" or before is None or after is None:
        return None if before is None else series[before]
    share = (start - before) / (after - before)
    return series[before] + share * (series[after] - series[before])


def _difference(_: Scope, value: Value) -> Series:
    series = series_of(value)
    starts = sorted(series)
    return {b: series[b] - series[a] for a, b in itertools.pairwise(starts)}


def _rate(scope: Scope, value: Value) -> Series:
    series = series_of(value)
    starts = sorted(series)
    changes = _difference(scope, series)
    return {b: changes[b] / (b - a) for a, b in itertools.pairwise(starts)}


def _running_sum(_: Scope, value: Value) -> Series:
    total, result = 0.0, {}
    for start, found in sorted(series_of(value).items()):
        total += found
        result[start] = total
    return result


def _end(pick: Callable[[Any], Any]) -> Callable[..., Value]:
    def take(_: Scope, value: Value) -> Value:
        if isinstance(value, list):
            chosen: Series = pick(value)
            return chosen
        series = series_of(value)
        return series[pick(sorted(series))] if series else {}

    return take


FUNCTIONS: dict[str, Callable[..., Value]] = {
    **{name: _reduction(calculate) for name, calculate in _REDUCTIONS.items()},
    **{name: _mapped(calculate) for name, calculate in _MAPPED.items()},
    "DATAPOINT_COUNT": lambda _, value: float(len(series_of(value))),
    "DIFF": _difference,
    "FILL": _fill,
    "FIRST": _end(lambda items: items[0]),
    "IF": _if,
    "LAST": _end(lambda items: items[-1]),
    "METRICS": _metrics,
    "METRIC_COUNT": lambda _, value: float(len(value)),
    "PERIOD": lambda scope, _: float(scope.period),
    "RATE": _rate,
    "RUNNING_SUM": _running_sum,
    "TIME_SERIES": lambda scope, value: dict.fromkeys(scope.grid, value),
}
