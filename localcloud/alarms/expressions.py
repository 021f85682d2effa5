"""Metric math: a parser and an evaluator for the expressions of alarms and GetMetricData.

A value is a number, a time series (a value for each start of a period) or several series, as
`METRICS()` gives. Operators work where both sides have a value; a division by zero leaves a gap.
The grammar and the functions are those of the user guide's page "Using math expressions", without
anomaly bands, search and SQL.
"""

import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Series = dict[float, float]
Value = float | str | Series | list[Series]
Node = Callable[["Scope"], Value]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)|"
    r"(?P<text>\"[^\"]*\"|'[^']*')|(?P<symbol>&&|\|\||[<>=!]=|[-+*/^()\[\],<>]))"
)
_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"OR": lambda a, b: bool(a) or bool(b), "||": lambda a, b: bool(a) or bool(b)},
    {"AND": lambda a, b: bool(a) and bool(b), "&&": lambda a, b: bool(a) and bool(b)},
    {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        ">": operator.gt,
        "<=": operator.le,
        ">=": operator.ge,
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
    {"^": operator.pow},
)
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


class ExpressionError(ValueError):
    """An expression is malformed, or means something there is no value for."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is evaluated over: named series, the whole grid of periods, and their length."""

    series: dict[str, Series]
    metrics: tuple[str, ...]
    grid: tuple[float, ...]
    period: float


class Expression:
    """One parsed expression; `names` are the ids it reads."""

    def __init__(self, text: str) -> None:
        self.names: set[str] = set()
        self._tokens = _tokens(text)
        self._at = 0
        self._node = self._binary(0)
        if self._peek() is not None:
            self._fail()

    def evaluate(self, scope: Scope) -> Series:
        """The series it stands for, a number for every period. Raises ExpressionError."""
        value = self._node(scope)
        if isinstance(value, float):
            return dict.fromkeys(scope.grid, value)
        if isinstance(value, dict):
            return value
        message = "the expression does not yield one time series"
        raise ExpressionError(message)

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            self._fail()
        self._at += 1
        return str(token)

    def _take(self, expected: str) -> None:
        if self._next() != expected:
            self._at -= 1
            self._fail()

    def _fail(self) -> None:
        message = f"unexpected {self._peek() or 'end'} in the expression"
        raise ExpressionError(message)

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while (symbol := self._peek()) in _LEVELS[level]:
            self._at += 1
            node = _operation(_LEVELS[level][str(symbol)], node, self._binary(level + 1))
        return node

    def _unary(self) -> Node:
        if self._peek() == "-":
            self._at += 1
            return _operation(operator.sub, lambda _: 0.0, self._unary())
        return self._primary()

    def _primary(self) -> Node:
        token = self._next()
        if token == "(":  # noqa: S105 a parenthesis
            node = self._binary(0)
            self._take(")")
            return node
        if token == "[":  # noqa: S105 a bracket
            return _several(list(self._arguments("]")))
        if token[0].isdigit() or token[0] == ".":
            number = float(token)
            return lambda _: number
        if token[0] in "\"'":
            return lambda _: token[1:-1]
        if not (token[0].isalpha() or token[0] == "_"):
            self._at -= 1
            self._fail()
        return self._name(token)

    def _name(self, name: str) -> Node:
        if self._peek() == "(":
            self._at += 1
            return _call(name, list(self._arguments(")")))
        if name in {"REPEAT", "LINEAR"}:
            return lambda _: name
        self.names.add(name)
        return lambda scope: scope.series[name]

    def _arguments(self, closing: str) -> Iterator[Node]:
        if self._peek() == closing:
            self._at += 1
            return
        yield self._binary(0)
        while self._peek() == ",":
            self._at += 1
            yield self._binary(0)
        self._take(closing)


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            message = f"unexpected {stripped[at]!r} in the expression"
            raise ExpressionError(message)
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


def _operation(calculate: Callable[[float, float], float], left: Node, right: Node) -> Node:
    return lambda scope: _combine(calculate, left(scope), right(scope))


def _combine(calculate: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return [_series(_combine(calculate, item, right)) for item in left]
    if isinstance(right, list):
        return [_series(_combine(calculate, left, item)) for item in right]
    if isinstance(left, str) or isinstance(right, str):
        message = "a text cannot be calculated with"
        raise ExpressionError(message)
    if isinstance(left, float) and isinstance(right, float):
        return _number(calculate, left, right)
    starts = left if isinstance(left, dict) else _series(right)
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


def _series(value: Value) -> Series:
    if isinstance(value, dict):
        return value
    message = "a time series is needed"
    raise ExpressionError(message)


def _several(nodes: list[Node]) -> Node:
    return lambda scope: [_series(node(scope)) for node in nodes]


def _call(name: str, arguments: list[Node]) -> Node:
    function = _FUNCTIONS.get(name.upper())
    if function is None:
        message = f"there is no function {name}"
        raise ExpressionError(message)

    def evaluate(scope: Scope) -> Value:
        try:
            return function(scope, *(argument(scope) for argument in arguments))
        except TypeError as error:
            message = f"{name} does not take these arguments"
            raise ExpressionError(message) from error

    return evaluate


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
    return lambda _, value: _combine(lambda a, __: calculate(a), value, 0.0)


def _if(_: Scope, condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    if isinstance(condition, float):
        return then if condition else (0.0 if otherwise is None else otherwise)
    result: Series = {}
    for start, chosen in _series(condition).items():
        value = then if chosen else otherwise
        found = value.get(start) if isinstance(value, dict) else value
        if isinstance(found, float):
            result[start] = found
    return result


def _fill(scope: Scope, value: Value, filling: Value) -> Value:
    if isinstance(value, list):
        return [_series(_fill(scope, series, filling)) for series in value]
    series = _series(value)
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
    series = _series(value)
    starts = sorted(series)
    return {b: series[b] - series[a] for a, b in itertools.pairwise(starts)}


def _rate(scope: Scope, value: Value) -> Series:
    series = _series(value)
    starts = sorted(series)
    changes = _difference(scope, series)
    return {b: changes[b] / (b - a) for a, b in itertools.pairwise(starts)}


def _running_sum(_: Scope, value: Value) -> Series:
    total, result = 0.0, {}
    for start, found in sorted(_series(value).items()):
        total += found
        result[start] = total
    return result


def _end(pick: Callable[[Any], Any]) -> Callable[..., Value]:
    def take(_: Scope, value: Value) -> Value:
        if isinstance(value, list):
            chosen: Series = pick(value)
            return chosen
        series = _series(value)
        return series[pick(sorted(series))] if series else {}

    return take


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    **{name: _reduction(calculate) for name, calculate in _REDUCTIONS.items()},
    **{name: _mapped(calculate) for name, calculate in _MAPPED.items()},
    "DATAPOINT_COUNT": lambda _, value: float(len(_series(value))),
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
