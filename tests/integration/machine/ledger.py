"""DynamoDB as the ledger uses it: typed attributes, conditions, transactions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.integration.machine.conditions import holds, updated
from tests.integration.machine.refusal import RefusedError

if TYPE_CHECKING:
    from tests.integration.machine.conditions import Attributes

type Key = tuple[str, str]
type Request = dict[str, Any]


@dataclass
class FakeLedger:
    """One table."""

    items: dict[Key, Attributes] = field(default_factory=dict)

    def get_item(self, asked: Request) -> Request:
        """The item as it stands: every read is consistent."""
        found = self.items.get(_key(asked["Key"]))
        return {"Item": found} if found else {}

    def query(self, asked: Request) -> Request:
        """Everything under one partition key, in one page."""
        values = asked["ExpressionAttributeValues"]
        pk, prefix = values[":pk"]["S"], values.get(":sk", {"S": ""})["S"]
        found = sorted(k for k in self.items if k[0] == pk and k[1].startswith(prefix))
        order = found if asked.get("ScanIndexForward", True) else found[::-1]
        return {"Items": [self.items[one] for one in order], "Count": len(order)}

    def put_item(self, asked: Request) -> Request:
        """Write one item."""
        return self._alone("Put", asked)

    def update_item(self, asked: Request) -> Request:
        """Update one item, which need not exist."""
        return self._alone("Update", asked)

    def delete_item(self, asked: Request) -> Request:
        """Delete one item, which need not exist."""
        return self._alone("Delete", asked)

    def transact_write_items(self, asked: Request) -> Request:
        """All or none."""
        operations = [next(iter(one.items())) for one in asked["TransactItems"]]
        keys = [self._at(kind, body) for kind, body in operations]
        if len(set(keys)) != len(keys):
            raise RefusedError("ValidationException", "two operations on one item")
        failed = [not self._holds(kind, body) for kind, body in operations]
        if any(failed):
            reasons = [
                {"Code": "ConditionalCheckFailed", "Item": self.items.get(key, {})}
                if failure
                else {"Code": "None"}
                for failure, key in zip(failed, keys, strict=True)
            ]
            raise RefusedError("TransactionCanceledException", CancellationReasons=reasons)
        for kind, body in operations:
            self._apply(kind, body)
        return {}

    def _alone(self, kind: str, body: Request) -> Request:
        if not self._holds(kind, body):
            item = self.items.get(self._at(kind, body), {})
            raise RefusedError("ConditionalCheckFailedException", Item=item)
        self._apply(kind, body)
        return {}

    def _holds(self, kind: str, body: Request) -> bool:
        return holds(
            body.get("ConditionExpression", ""),
            self.items.get(self._at(kind, body), {}),
            body.get("ExpressionAttributeNames", {}),
            body.get("ExpressionAttributeValues", {}),
        )

    def _at(self, kind: str, body: Request) -> Key:
        return _key(body["Item"] if kind == "Put" else body["Key"])

    def _apply(self, kind: str, body: Request) -> None:
        key = self._at(kind, body)
        match kind:
            case "Put":
                self.items[key] = body["Item"]
            case "Delete":
                self.items.pop(key, None)
            case "Update":
                self.items[key] = updated(
                    body["UpdateExpression"],
                    self.items.get(key, body["Key"]),
                    body.get("ExpressionAttributeNames", {}),
                    body.get("ExpressionAttributeValues", {}),
                )


def _key(item: Attributes) -> Key:
    return item["pk"]["S"], item["sk"]["S"]
