"""DynamoDB's condition and update expressions, as far as the ledger speaks them.

`tests/integration/test_machine_ledger.py` holds this against moto's own parser.
"""

from __future__ import annotations

import re
from typing import Any

type Attributes = dict[str, Any]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+]|[#:\w.]+)")


def holds(expression: str, item: Attributes, names: dict[str, str], values: Attributes) -> bool:
    """Whether the condition holds for `item`, which is empty when there is none."""
    return not expression or _Condition(expression, item, names, values).whole()


def updated(
    expression: str, item: Attributes, names: dict[str, str], values: Attributes
) -> Attributes:
    """`item` after `SET a = :v, … REMOVE b ADD c :n`."""
    after = dict(item)
    clauses = re.split(r"\b(SET|REMOVE|ADD)\b", expression)[1:]
    for kind, clause in zip(clauses[::2], clauses[1::2], strict=True):
        for action in clause.split(","):
            parts = action.replace("=", " ").split()
            name = names.get(parts[0], parts[0])
            match kind:
                case "SET":
                    after[name] = values[parts[1]]
                case "REMOVE":
                    after.pop(name, None)
                case _:
                    now = int(after.get(name, {"N": "0"})["N"])
                    after[name] = {"N": str(now + int(values[parts[1]]["N"]))}
    return after


class _Condition:
    """A recursive descent through one condition."""

    def __init__(
        self, text: str, item: Attributes, names: dict[str, str], values: Attributes
    ) -> None:
        self._tokens = _TOKEN.findall(text)
        self._item, self._names, self._values = item, names, values

    def whole(self) -> bool:
        answer = self._either()
        assert not self._tokens, f"not understood: {self._tokens}"
        return answer

    def _either(self) -> bool:
        answer = self._both()
        while self._next_is("OR"):
            right = self._both()
            answer = answer or right
        return answer

    def _both(self) -> bool:
        answer = self._one()
        while self._next_is("AND"):
            right = self._one()
            answer = answer and right
        return answer

    def _one(self) -> bool:
        if self._next_is("NOT"):
            return not self._one()
        if self._next_is("("):
            answer = self._either()
            self._expect(")")
            return answer
        for function, wanted in (("attribute_exists", True), ("attribute_not_exists", False)):
            if self._next_is(function):
                return (self._argument() is not None) is wanted
        if self._next_is("begins_with"):
            self._expect("(")
            left = self._operand()
            self._expect(",")
            right = self._operand()
            self._expect(")")
            return left is not None and str(_plain(left)).startswith(str(_plain(right)))
        return self._comparison()

    def _comparison(self) -> bool:
        left, sign, right = self._operand(), self._tokens.pop(0), self._operand()
        if left is None or right is None:
            return sign == "<>"  # a missing attribute equals nothing
        a, b = _plain(left), _plain(right)
        match sign:
            case "=":
                return bool(a == b)
            case "<>":
                return bool(a != b)
            case "<":
                return bool(a < b)
            case "<=":
                return bool(a <= b)
            case ">":
                return bool(a > b)
            case _:
                return bool(a >= b)

    def _argument(self) -> Attributes | None:
        self._expect("(")
        found = self._operand()
        self._expect(")")
        return found

    def _operand(self) -> Attributes | None:
        if self._next_is("size"):
            found = self._argument()
            return None if found is None else {"N": str(len(next(iter(found.values()))))}
        token = self._tokens.pop(0)
        if token.startswith(":"):
            value: Attributes = self._values[token]
            return value
        found = {"M": self._item}
        for part in token.split("."):
            inner = found.get("M", {}).get(self._names.get(part, part))
            if inner is None:
                return None
            found = inner
        return found

    def _next_is(self, token: str) -> bool:
        if not self._tokens or self._tokens[0] != token:
            return False
        self._tokens.pop(0)
        return True

    def _expect(self, token: str) -> None:
        assert self._next_is(token), f"{token} expected before {self._tokens}"


def _plain(attribute: Attributes) -> Any:
    ((kind, value),) = attribute.items()
    return float(value) if kind == "N" else value
