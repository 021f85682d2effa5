"""The table under the ledger, and what DynamoDB does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.ledger.table import ConditionFailedError

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table
    from tests.integration.rollouts import Wire

ABSENT = "attribute_not_exists(pk)"
CONFLICT = [{"Code": "None"}, {"Code": "TransactionConflict"}]


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"n": 3, "big": 2**60, "negative": -1, "zero": 0}, id="whole numbers"),
        pytest.param({"share": 0.1, "tiny": 1e-9}, id="fractions"),
        pytest.param({"yes": True, "no": False}, id="booleans stay booleans"),
        pytest.param({"empty": "", "text": "ü 🙂"}, id="text"),
        pytest.param({"nested": {"list": [1, {"deep": 0.5}], "none": {}}}, id="nested"),
    ],
)
def test_what_is_put_is_what_is_read(table: Table, item: dict[str, object]) -> None:
    table.write(table.put({"pk": "P", "sk": "S", **item}))

    found = table.get("P", "S")

    assert found == {"pk": "P", "sk": "S", **item}
    assert {name: type(value) for name, value in (found or {}).items() if name in item} == {
        name: type(value) for name, value in item.items()
    }


def test_nothing_is_there_that_nobody_wrote(table: Table) -> None:
    assert table.get("P", "S") is None


def test_none_is_left_out(table: Table) -> None:
    table.write(table.put({"pk": "P", "sk": "S", "gone": None, "in": {"gone": None, "n": 1}}))

    assert table.get("P", "S") == {"pk": "P", "sk": "S", "in": {"n": 1}}


def test_a_query_finds_everything_past_the_first_page_in_order(table: Table) -> None:
    for number in range(40):
        item = {"pk": "P", "sk": f"H#{number:08d}", "filling": "x" * 60_000}
        table.write(table.put(item))
    table.write(table.put({"pk": "P", "sk": "STATE"}))
    table.write(table.put({"pk": "Q", "sk": "H#00000001"}))

    found = [item["sk"] for item in table.query("P", prefix="H#")]
    backwards = [item["sk"] for item in table.query("P", prefix="H#", newest_first=True)]

    assert found == [f"H#{number:08d}" for number in range(40)]
    assert backwards == found[::-1]
    assert len(list(table.query("P"))) == 41


@pytest.mark.parametrize("alone", [True, False], ids=["one write", "a transaction"])
def test_a_failed_condition_tells_what_stands_there(table: Table, alone: bool) -> None:
    table.write(table.put({"pk": "P", "sk": "S", "n": 1}))
    others = [] if alone else [table.put({"pk": "P", "sk": "T"})]

    with pytest.raises(ConditionFailedError) as failed:
        table.write(*others, table.put({"pk": "P", "sk": "S", "n": 2}, when=ABSENT))

    assert failed.value.item == {"pk": "P", "sk": "S", "n": 1}
    assert table.get("P", "T") is None, "all or none"


def test_a_failed_condition_on_nothing_says_so(table: Table) -> None:
    with pytest.raises(ConditionFailedError) as failed:
        table.write(table.put({"pk": "P", "sk": "S"}, when="attribute_exists(pk)"))

    assert failed.value.item is None


def test_a_check_alone_holds_or_fails(table: Table) -> None:
    table.write(table.check("P", "S", when=ABSENT))

    with pytest.raises(ConditionFailedError):
        table.write(table.check("P", "S", when="attribute_exists(pk)"))


@pytest.mark.parametrize(
    ("operation", "code", "more"),
    [
        pytest.param("PutItem", "TransactionConflictException", {}, id="one write"),
        pytest.param(
            "TransactWriteItems",
            "TransactionCanceledException",
            {"CancellationReasons": CONFLICT},
            id="a transaction",
        ),
        pytest.param("TransactWriteItems", "TransactionInProgressException", {}, id="in progress"),
    ],
)
def test_two_writers_that_meet_try_again(
    table: Table, wire: Wire, operation: str, code: str, more: dict[str, object]
) -> None:
    # The SDK tries some of these by itself, DynamoDB's ten times; ours come on top.
    refusals = 11 if code == "TransactionInProgressException" else 6
    for _ in range(refusals):
        wire.refuse(operation, code, **more)
    others = [] if operation == "PutItem" else [table.put({"pk": "P", "sk": "T"})]

    table.write(table.put({"pk": "P", "sk": "S", "n": 1}), *others)

    assert table.get("P", "S") == {"pk": "P", "sk": "S", "n": 1}
    assert len(wire.calls(operation)) == refusals + 1


def test_a_conflict_that_does_not_end_is_raised(table: Table, wire: Wire) -> None:
    for _ in range(20):
        wire.refuse("PutItem", "TransactionConflictException")

    with pytest.raises(ClientError, match="TransactionConflictException"):
        table.write(table.put({"pk": "P", "sk": "S"}))

    assert len(wire.calls("PutItem")) == 8


def test_a_failed_condition_beside_a_conflict_is_a_failed_condition(
    table: Table, wire: Wire
) -> None:
    reasons = [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed"}]
    wire.refuse("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)

    with pytest.raises(ConditionFailedError):
        table.write(table.put({"pk": "P", "sk": "S"}), table.put({"pk": "P", "sk": "T"}))

    assert len(wire.calls("TransactWriteItems")) == 1


def test_any_other_error_is_raised_at_once(table: Table, wire: Wire) -> None:
    wire.refuse("PutItem", "AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        table.write(table.put({"pk": "P", "sk": "S"}))

    assert len(wire.calls("PutItem")) == 1


def test_an_update_and_a_delete_do_what_they_say(table: Table) -> None:
    table.write(table.put({"pk": "P", "sk": "S", "n": 1}))

    table.write(table.update("P", "S", "SET n = :n", values={":n": 2}))
    assert table.get("P", "S") == {"pk": "P", "sk": "S", "n": 2}

    table.write(table.delete("P", "S"))
    assert table.get("P", "S") is None
