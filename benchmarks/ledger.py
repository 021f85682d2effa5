"""A ledger in memory, in DynamoDB's own words: enough of it for one event of one function.

It keeps what is written and gives it back. Conditions are not evaluated: nobody else writes while a
scenario is played, and a test of conditions is no benchmark's business.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = dict[str, Any]
"""An item as attribute values: `{"pk": {"S": "GROUPS"}, …}`."""

_ASSIGNMENT = re.compile(r"SET (?P<name>\w+) = (?P<value>:\w+)")


class Ledger:
    """One table, keyed `pk`, `sk`."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items: dict[tuple[str, str], Item] = {_key(item): item for item in items}
        self._operations: dict[str, Callable[[Item], Item]] = {
            "GetItem": self._get,
            "Query": self._query,
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "ConditionCheck": lambda _: {},
            "TransactWriteItems": self._transact,
        }

    @property
    def items(self) -> list[Item]:
        """Every item."""
        return list(self._items.values())

    def answer(self, operation: str, request: Item) -> Item:
        """DynamoDB's answer to `operation`. Raises KeyError for one that it does not know."""
        return self._operations[operation](request)

    def _get(self, request: Item) -> Item:
        found = self._items.get(_key(request["Key"]))
        return {"Item": found} if found else {}

    def _query(self, request: Item) -> Item:
        values = request["ExpressionAttributeValues"]
        pk, prefix = values[":pk"]["S"], values.get(":sk", {"S": ""})["S"]
        found = [
            self._items[key]
            for key in sorted(self._items, reverse=not request.get("ScanIndexForward", True))
            if key[0] == pk and key[1].startswith(prefix)
        ]
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def _put(self, request: Item) -> Item:
        self._items[_key(request["Item"])] = request["Item"]
        return {}

    def _update(self, request: Item) -> Item:
        assignment = _ASSIGNMENT.fullmatch(request["UpdateExpression"])
        if assignment is None:
            raise KeyError(request["UpdateExpression"])
        value = request["ExpressionAttributeValues"][assignment["value"]]
        standing = self._items.get(_key(request["Key"])) or request["Key"]
        return self._put({"Item": {**standing, assignment["name"]: value}})

    def _delete(self, request: Item) -> Item:
        self._items.pop(_key(request["Key"]), None)
        return {}

    def _transact(self, request: Item) -> Item:
        for operation in request["TransactItems"]:
            ((kind, body),) = operation.items()
            name = kind if kind == "ConditionCheck" else f"{kind}Item"
            self.answer(name, body)
        return {}


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
