"""The ledger's stand-in answers as moto's DynamoDB does, for every form of condition we send."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from sluice.adapters.ledger.table import encode
from tests.integration.machine.driver import LEDGER, definition
from tests.integration.machine.ledger import FakeLedger
from tests.integration.machine.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATE = {"pk": "TARGET#endpoint/churn", "sk": "STATE"}
CONDITIONS = [
    "attribute_not_exists(pk)",
    "attribute_exists(pk)",
    "revision = :r",
    "revision > :r",
    "revision <> :r",
    "size(approvals) = :r AND capture = :c",
    "absent = :r OR capture = :c",
    "NOT (capture = :c)",
    "begins_with(capture, :c)",
]


def attempts() -> Iterator[tuple[str, dict[str, Any]]]:
    """Writes that must have the same fate on both."""
    item = encode({**STATE, "revision": 1, "capture": "Claimed", "approvals": [1]})
    values = encode({":r": 1, ":c": "Claimed"})
    for body in ({}, item):
        if body:
            yield "PutItem", {"Item": body}
        for condition in CONDITIONS:
            used = {name: value for name, value in values.items() if name in condition}
            more = {"ExpressionAttributeValues": used} if used else {}
            check = {"Key": encode(STATE), "ConditionExpression": condition, **more}
            other = {"Item": encode({"pk": "OTHER", "sk": condition})}
            yield (
                "TransactWriteItems",
                {"TransactItems": [{"ConditionCheck": check}, {"Put": other}]},
            )
    yield from parked()
    yield "DeleteItem", {"Key": encode(STATE)}


def parked() -> Iterator[tuple[str, dict[str, Any]]]:
    """The machine's own write, by the holder, by another, and against a signal."""
    waits = definition()["States"]["Bake"]["Arguments"]
    held = {**STATE, "revision": 1, "epoch": 2, "holder": "us"}
    values = {":token": "t", ":phase": "Baking", ":at": "now", ":rollout": "{}", ":one": 1}
    for item, epoch in ((held, 2), (held, 3), ({**held, "signal": "alarm"}, 2)):
        yield "PutItem", {"Item": encode(item)}
        yield (
            "UpdateItem",
            {
                **waits,
                "Key": encode(STATE),
                "ExpressionAttributeValues": encode({**values, ":epoch": epoch, ":holder": "us"}),
            },
        )


def test_a_write_has_the_same_fate_on_both(aws: Callable[[str], Any]) -> None:
    moto, ours = aws("dynamodb"), FakeLedger()
    for operation, asked in attempts():
        method = xform_name(operation)
        expected = fate(partial(sent, getattr(moto, method)), asked)
        assert fate(getattr(ours, method), asked) == expected, asked
        assert items(ours) == sorted(moto.scan(TableName=LEDGER)["Items"], key=str), asked


def sent(method: Callable[..., Any], named: dict[str, Any]) -> Any:
    return method(**named)


def fate(call: Callable[[dict[str, Any]], Any], asked: dict[str, Any]) -> str:
    """`done`, or the error's code."""
    named = {"TableName": LEDGER, **asked}
    for one in asked.get("TransactItems", []):
        for body in one.values():
            body["TableName"] = LEDGER
    if "TransactItems" in asked:
        del named["TableName"]
    try:
        call(named)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except RefusedError as refused:
        return refused.code
    return "done"


def items(ledger: FakeLedger) -> list[Any]:
    return sorted(ledger.items.values(), key=str)
