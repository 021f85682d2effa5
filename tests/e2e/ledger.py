"""The ledger, read from its table alone, and checked against what the documentation says."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

_plain = TypeDeserializer().deserialize
_KEYS = {"pk", "sk"}


class Ledger:
    """Targets, histories and receipts as they stand in the table."""

    def __init__(self, dynamodb: Any, table: str, *, kind: str = "endpoint") -> None:
        """`kind` is that of the targets: `endpoint` or `application`."""
        self._dynamodb = dynamodb
        self._table = table
        self._kind = kind

    def state(self, name: str) -> dict[str, Any]:
        """The target's state; empty while nobody has approved anything for it."""
        return self._get(f"TARGET#{self._kind}/{name}", "STATE")

    def history(self, name: str) -> list[dict[str, Any]]:
        """The target's history, oldest first."""
        return self._query(f"TARGET#{self._kind}/{name}", "HISTORY#")

    def receipt(self, bucket: str, key: str, version_id: str) -> dict[str, Any]:
        """What became of one version of one object; empty if nothing yet."""
        return self._get(f"INPUT#{bucket}/{key}@{version_id}", "RECORD")

    def release(self, group: str, version: int) -> dict[str, Any]:
        """The record of a captured version."""
        return self._get(f"RELEASE#{group}", f"V#{version:06d}")

    def captured(self, group: str, version: int) -> dict[str, Any]:
        """What a version was captured as, and the copies of it in the vault."""
        return self._get(f"RELEASE#{group}", f"CAPTURE#{version:06d}")

    def forget(self, name: str) -> None:
        """Take a group and its target out of what the schedule surveys; they stay as they are."""
        for pk, sk in (("GROUPS", name), ("TARGETS", f"{self._kind}/{name}")):
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            self._dynamodb.delete_item(TableName=self._table, Key=key)

    def _get(self, pk: str, sk: str) -> dict[str, Any]:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _read(found.get("Item", {}))

    def _query(self, pk: str, prefix: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": prefix}},
            ConsistentRead=True,
        )
        return [_read(item) for page in pages for item in page["Items"]]


def assert_unbroken(history: list[dict[str, Any]]) -> None:
    """Numbered without a gap, each entry hashing its content and its predecessor's hash."""
    previous = ""
    for n, entry in enumerate(history, start=1):
        content = {name: value for name, value in entry.items() if name != "hash"}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry["n"] == n, f"entry {n} says it is number {entry['n']}"
        assert entry["previous"] == previous, f"entry {n} does not follow entry {n - 1}"
        assert entry["hash"] == hashlib.sha256(canonical.encode()).hexdigest(), f"entry {n} changed"
        previous = entry["hash"]
    epochs = [entry["epoch"] for entry in history]
    assert epochs == sorted(epochs), f"an older epoch wrote after a newer one: {epochs}"


def _read(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _whole(_plain(value)) for name, value in item.items() if name not in _KEYS}


def _whole(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {name: _whole(one) for name, one in value.items()}
        case list():
            return [_whole(one) for one in value]
        case _:
            return value
