"""The table under the ledger: typed items in, typed items out, and DynamoDB's surprises.

`TransactionConflictException` is an answer botocore does not retry: two writers met on one item,
neither is at fault, and the loser must simply try again. Every write of the ledger goes through
here, so every caller does.
"""

from __future__ import annotations

import random
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

_ATTEMPTS = 8
_BASE_SECONDS = 0.02
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class ConditionFailedError(Exception):
    """A conditional write found the item otherwise than it must be; `item` is what stands there."""

    def __init__(self, item: Item | None = None) -> None:
        super().__init__("the ledger's item changed meanwhile")
        self.item = item


class Table:
    """A DynamoDB table keyed `pk`, `sk`; items are dicts of str, int, bool, list and dict."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """The item, read consistently, or None."""
        found = self._client.get_item(TableName=self.name, Key=key(pk, sk), ConsistentRead=True)
        return decode(found["Item"]) if "Item" in found else None

    def query(self, pk: str, *, prefix: str = "", newest_first: bool = False) -> Iterator[Item]:
        """Every item under `pk` whose sort key starts with `prefix`, read consistently."""
        condition, values = "pk = :pk", {":pk": pk}
        if prefix:
            condition, values = "pk = :pk AND begins_with(sk, :sk)", {":pk": pk, ":sk": prefix}
        pages = self._client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=encode(values),
            ConsistentRead=True,
            ScanIndexForward=not newest_first,
        )
        return (decode(item) for page in pages for item in page["Items"])

    def write(self, *operations: Any) -> None:
        """Carry out `put`, `update`, `check` and `delete` operations, all or none.

        Raises ConditionFailedError when a condition does not hold; its `item` is the one of the
        first operation that failed, as it stands.
        """
        if len(operations) == 1 and "ConditionCheck" not in operations[0]:
            self._retried(lambda: self._single(operations[0]))
        else:
            self._retried(lambda: self._client.transact_write_items(TransactItems=list(operations)))

    def put(self, item: Item, *, when: str = "", values: Item | None = None) -> Item:
        """A put operation for `write`, conditioned on `when`."""
        return {"Put": {"TableName": self.name, "Item": encode(item), **_condition(when, values)}}

    def update(
        self, pk: str, sk: str, expression: str, *, when: str = "", values: Item | None = None
    ) -> Item:
        """An update operation for `write`, conditioned on `when`."""
        body = {"TableName": self.name, "Key": key(pk, sk), "UpdateExpression": expression}
        return {"Update": {**body, **_condition(when, values)}}

    def delete(self, pk: str, sk: str) -> Item:
        """A delete operation for `write`."""
        return {"Delete": {"TableName": self.name, "Key": key(pk, sk)}}

    def check(self, pk: str, sk: str, *, when: str, values: Item | None = None) -> Item:
        """A condition check for `write`, beside other operations."""
        body = {"TableName": self.name, "Key": key(pk, sk)}
        return {"ConditionCheck": {**body, **_condition(when, values)}}

    def _single(self, operation: Item) -> None:
        ((kind, body),) = operation.items()
        match kind:
            case "Put":
                self._client.put_item(**body)
            case "Update":
                self._client.update_item(**body)
            case _:
                self._client.delete_item(**body)

    def _retried(self, call: Callable[[], Any]) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                call()
            except ClientError as error:
                failed = _failed_condition(error)
                if failed is not None:
                    raise failed from error
                if not _conflict(error) or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, _BASE_SECONDS * 2**attempt))  # noqa: S311 - jitter
            else:
                return


def key(pk: str, sk: str) -> Item:
    """The key of an item, encoded."""
    return encode({"pk": pk, "sk": sk})


def encode(item: Item) -> Item:
    """`item` as DynamoDB's attribute values; floats become decimals, None is left out."""
    return {name: _serialize(_storable(value)) for name, value in item.items() if value is not None}


def decode(item: Item) -> Item:
    """DynamoDB's attribute values as plain Python; whole numbers are int, others float."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _condition(when: str, values: Item | None) -> Item:
    body: Item = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if when else {}
    if when:
        body["ConditionExpression"] = when
    if values:
        body["ExpressionAttributeValues"] = encode(values)
    return body


def _failed_condition(error: ClientError) -> ConditionFailedError | None:
    response: Item = dict(error.response)
    if response["Error"]["Code"] == "ConditionalCheckFailedException":
        return ConditionFailedError(decode(response.get("Item", {})) or None)
    for reason in response.get("CancellationReasons", []):
        if reason.get("Code") == "ConditionalCheckFailed":
            return ConditionFailedError(decode(reason.get("Item", {})) or None)
    return None


def _conflict(error: ClientError) -> bool:
    response: Item = dict(error.response)
    if response["Error"]["Code"] in {
        "TransactionConflictException",
        "TransactionInProgressException",
    }:
        return True
    reasons = response.get("CancellationReasons", [])
    return any(reason.get("Code") == "TransactionConflict" for reason in reasons)


def _storable(value: Any) -> Any:
    match value:
        case bool() | int() | str():
            return value
        case float():
            return Decimal(repr(value))
        case dict():
            return {name: _storable(inner) for name, inner in value.items() if inner is not None}
        case list() | tuple():
            return [_storable(inner) for inner in value]
        case _:
            return value


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value
