"""DynamoDB: conditional writes and transactions tell why they fail, and reads can be strong.

AWS: amazondynamodb/latest/developerguide/transaction-apis.html
AWS: amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
AWS: amazondynamodb/latest/developerguide/warm-throughput.html
Model: dynamodb.PutItem
Model: dynamodb.TransactWriteItems
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.conftest import Clients


@pytest.fixture
def table(client: Clients, unique: str) -> Any:
    """A table with one item, `a` of version 1, as `(client, name)`."""
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName=unique,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    dynamodb.put_item(TableName=unique, Item={"pk": {"S": "a"}, "version": {"N": "1"}})
    return dynamodb, unique


def response_of(error: pytest.ExceptionInfo[ClientError]) -> dict[str, Any]:
    """All that the service answered."""
    return {**error.value.response}


def test_a_table_on_demand_is_warm_for_what_its_billing_promises(table: Any) -> None:
    dynamodb, name = table
    warm = dynamodb.describe_table(TableName=name)["Table"]["WarmThroughput"]
    assert (warm["ReadUnitsPerSecond"], warm["WriteUnitsPerSecond"]) == (12_000, 4_000)


def test_a_failed_condition_shows_the_item_that_is_there(table: Any) -> None:
    # Asked for with ReturnValuesOnConditionCheckFailure.
    dynamodb, name = table
    with pytest.raises(ClientError) as error:
        dynamodb.put_item(
            TableName=name,
            Item={"pk": {"S": "a"}},
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert error.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert response_of(error)["Item"] == {"pk": {"S": "a"}, "version": {"N": "1"}}
    with pytest.raises(ClientError) as error:
        dynamodb.update_item(
            TableName=name,
            Key={"pk": {"S": "a"}},
            UpdateExpression="SET version = :n",
            ConditionExpression="version = :old",
            ExpressionAttributeValues={":n": {"N": "3"}, ":old": {"N": "2"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert response_of(error)["Item"]["version"] == {"N": "1"}
    found = dynamodb.get_item(TableName=name, Key={"pk": {"S": "a"}}, ConsistentRead=True)
    assert found["Item"]["version"] == {"N": "1"}


def test_a_transaction_is_all_or_nothing_and_says_which_part_failed(table: Any) -> None:
    dynamodb, name = table
    put = {"Put": {"TableName": name, "Item": {"pk": {"S": "b"}}}}
    check = {
        "Update": {
            "TableName": name,
            "Key": {"pk": {"S": "a"}},
            "UpdateExpression": "SET version = :n",
            "ConditionExpression": "version = :old",
            "ExpressionAttributeValues": {":n": {"N": "3"}, ":old": {"N": "2"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    with pytest.raises(ClientError) as error:
        dynamodb.transact_write_items(TransactItems=[put, check])
    reasons = response_of(error)["CancellationReasons"]
    assert error.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"]["version"] == {"N": "1"}
    assert "Item" not in dynamodb.get_item(TableName=name, Key={"pk": {"S": "b"}})


def test_a_transaction_with_a_token_happens_once(table: Any) -> None:
    dynamodb, name = table
    count = {
        "Update": {
            "TableName": name,
            "Key": {"pk": {"S": "a"}},
            "UpdateExpression": "ADD version :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[count], ClientRequestToken="once")
    found = dynamodb.get_item(TableName=name, Key={"pk": {"S": "a"}}, ConsistentRead=True)
    assert found["Item"]["version"] == {"N": "2"}


def test_one_item_cannot_be_in_a_transaction_twice(table: Any) -> None:
    dynamodb, name = table
    delete = {"Delete": {"TableName": name, "Key": {"pk": {"S": "a"}}}}
    with pytest.raises(ClientError, match="cannot include multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[delete, delete])
