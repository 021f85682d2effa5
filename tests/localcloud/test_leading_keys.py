"""DynamoDB: a role may be held to items whose partition keys begin as its policy says.

AWS: amazondynamodb/latest/developerguide/specifying-conditions.html
AWS: amazondynamodb/latest/developerguide/transaction-apis-iam.html
AWS: IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from localcloud.constants import ACCOUNT, REGION
from tests.localcloud.functions import create_role

if TYPE_CHECKING:
    from tests.localcloud.conftest import Clients

OWN = {
    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["OWN#*"]},
    "Null": {"dynamodb:LeadingKeys": "false"},
}
"""`ForAllValues` is true of no keys at all, and `Null` is not."""
MINE = {"pk": {"S": "OWN#a"}, "sk": {"S": "1"}}
ANOTHERS = {"pk": {"S": "OTHER#a"}, "sk": {"S": "OWN#1"}}


class Table:
    """A table keyed `pk`, `sk`, as a role sees it that may use its own items alone."""

    def __init__(self, client: Clients, name: str, condition: dict[str, Any]) -> None:
        self.name = name
        keys = (("sk", "RANGE"), ("pk", "HASH"))
        client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": one, "KeyType": kind} for one, kind in keys[::-1]],
            AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one, _ in keys],
        )
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
        actions = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"]
        may = {"Effect": "Allow", "Action": [f"dynamodb:{one}" for one in actions], "Resource": arn}
        role = create_role(client, f"{name}-role", [{**may, "Condition": condition}])
        self.dynamodb = client.as_role("dynamodb", role)

    def may(self, call: str, **asked: Any) -> bool:
        """Whether it was allowed; anything else that goes wrong is raised."""
        try:
            getattr(self.dynamodb, call)(**asked)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False
        return True

    def may_write(self, *operations: dict[str, Any]) -> bool:
        """The same of a transaction."""
        named = [
            {kind: {"TableName": self.name, **body}}
            for one in operations
            for kind, body in one.items()
        ]
        return self.may("transact_write_items", TransactItems=named)


@pytest.fixture
def table(client: Clients, unique: str) -> Table:
    return Table(client, unique, OWN)


@pytest.mark.parametrize(
    ("call", "by"),
    [("put_item", "Item"), ("get_item", "Key"), ("update_item", "Key"), ("delete_item", "Key")],
)
def test_an_item_is_its_partition_key_s_whatever_else_is_in_it(
    table: Table, call: str, by: str
) -> None:
    assert table.may(call, TableName=table.name, **{by: MINE})
    assert not table.may(call, TableName=table.name, **{by: ANOTHERS})


def test_of_a_transaction_no_item_may_be_another_s(table: Table) -> None:
    check = {"ConditionCheck": {"Key": ANOTHERS, "ConditionExpression": "attribute_not_exists(pk)"}}
    update = {
        "Update": {
            "Key": ANOTHERS,
            "UpdateExpression": "SET a = :a",
            "ExpressionAttributeValues": {":a": {"S": "b"}},
        }
    }

    assert table.may_write({"Put": {"Item": MINE}})
    for other in ({"Put": {"Item": ANOTHERS}}, {"Delete": {"Key": ANOTHERS}}, check, update):
        assert not table.may_write({"Put": {"Item": {**MINE, "sk": {"S": "2"}}}}, other)
    read = [{"Get": {"TableName": table.name, "Key": one}} for one in (MINE, ANOTHERS)]
    assert table.may("transact_get_items", TransactItems=read[:1])
    assert not table.may("transact_get_items", TransactItems=read)
