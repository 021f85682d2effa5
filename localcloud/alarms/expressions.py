"""Metric math: a parser and an evaluator for the expressions of alarms and GetMetricData.

A value is a number, a time series (a value for each start of a period) or several series, as
`METRICS()` gives. Operators work where both sides have a value; a division by zero leaves a gap.
The grammar and the functions are those of the user guide's page "Using math expressions", without
anomaly bands, search and SQL.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator

from localcloud.alarms.functions import FUNCTIONS
from localcloud.alarms.values import ExpressionError, Scope, Series, Value, combine, series_of

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
            return {} if math.isnan(value) else dict.fromkeys(scope.grid, value)
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
    return lambda scope: combine(calculate, left(scope), right(scope))


def _several(nodes: list[Node]) -> Node:
    return lambda scope: [series_of(node(scope)) for node in nodes]


def _call(name: str, arguments: list[Node]) -> Node:
    function = FUNCTIONS.get(name.upper())
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
