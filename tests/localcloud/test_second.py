"""Second engines: chosen by name, and the same to whoever uses the service.

AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
Model: dynamodb.TransactWriteItems
Ours: which engine answers
"""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from localcloud import second
from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.waiting import until

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "ledger",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    },
}


def test_a_service_without_a_second_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_SECOND", "dynamodb,sagemaker")
    with pytest.raises(ValueError, match="no second engine for sagemaker"):
        second.chosen()


def test_a_stacks_table_is_kept_by_the_second_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCLOUD_SECOND", "dynamodb")
    with LocalCloud(tmp_path / "state") as cloud:
        assert cloud.control("health")["second"] == ["dynamodb"]
        client = Clients(cloud.endpoint_url)
        stacks, tables = client("cloudformation"), client("dynamodb")
        template = json.dumps({"Resources": {"Ledger": TABLE}})
        stacks.create_stack(StackName="s", TemplateBody=template)
        until(lambda: "ledger" in tables.list_tables()["TableNames"], "the table is made")
        put = {"TableName": "ledger", "Item": {"pk": {"S": "a"}}}
        once = {**put, "ConditionExpression": "attribute_not_exists(pk)"}
        tables.put_item(**once)
        with pytest.raises(ClientError, match="TransactionCanceledException"):
            tables.transact_write_items(TransactItems=[{"Put": once}])
        lasting = tables.describe_time_to_live(TableName="ledger")["TimeToLiveDescription"]
        assert lasting["AttributeName"] == "expires_at"
        stacks.delete_stack(StackName="s")
        until(lambda: not tables.list_tables()["TableNames"], "the table is gone")
        assert cloud.control("answers")["faults"] == []
