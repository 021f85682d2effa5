"""The values of metric math, and what operators do to them.

Operators work where both sides have a value; a division by zero leaves a gap.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

Series = dict[float, float]
Value = float | str | Series | list[Series]


class ExpressionError(ValueError):
    """An expression is malformed, or means something there is no value for."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is evaluated over: named series, the whole grid of periods, and their length."""

    series: dict[str, Series]
    metrics: tuple[str, ...]
    grid: tuple[float, ...]
    period: float


def combine(calculate: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Calculate period by period; a number counts for every period. Raises ExpressionError."""
    if isinstance(left, list):
        return [series_of(combine(calculate, item, right)) for item in left]
    if isinstance(right, list):
        return [series_of(combine(calculate, left, item)) for item in right]
    if isinstance(left, str) or isinstance(right, str):
        message = "a text cannot be calculated with"
        raise ExpressionError(message)
    if isinstance(left, float) and isinstance(right, float):
        return _number(calculate, left, right)
    starts = left if isinstance(left, dict) else series_of(right)
    result: Series = {}
    for start in starts:
        a = left.get(start) if isinstance(left, dict) else left
        b = right.get(start) if isinstance(right, dict) else right
        if a is not None and b is not None and not math.isnan(c := _number(calculate, a, b)):
            result[start] = c
    return result


def _number(calculate: Callable[[float, float], float], a: float, b: float) -> float:
    try:
        return float(calculate(a, b))
    except (ArithmeticError, TypeError):
        return math.nan


def series_of(value: Value) -> Series:
    """The value, which must be one time series. Raises ExpressionError when it is not."""
    if isinstance(value, dict):
        return value
    message = "a time series is needed"
    raise ExpressionError(message)
