"""The stub AWS of the benchmarks: its ledger, and which operation a request means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.ledger import Ledger
from benchmarks.scenario import Answer, Scenario, dump_scenarios, load_scenarios
from benchmarks.stub_aws import operation_of, stub_aws


def an_item(pk: str, sk: str, **more: str) -> dict[str, Any]:
    """An item in DynamoDB's words."""
    return {name: {"S": value} for name, value in {"pk": pk, "sk": sk, **more}.items()}


def a_scenario(**answers: Answer) -> Scenario:
    """A scenario of a function that does not matter."""
    named = {f"s3:{operation}": said for operation, said in answers.items()}
    ledger = [an_item("GROUPS", "churn")]
    return Scenario("any", "any", {}, ledger=ledger, objects=["there"], answers=named)


def sorts(ledger: Ledger, pk: str, *, prefix: str = "", forward: bool = True) -> list[str]:
    """The sort keys a query answers with."""
    values = {":pk": {"S": pk}} | ({":sk": {"S": prefix}} if prefix else {})
    request = {"ExpressionAttributeValues": values, "ScanIndexForward": forward}
    return [item["sk"]["S"] for item in ledger.answer("Query", request)["Items"]]


def test_a_query_answers_in_the_order_of_sort_keys() -> None:
    ledger = Ledger([an_item("R#churn", "V#2"), an_item("R#churn", "V#1"), an_item("R#up", "V#3")])

    assert sorts(ledger, "R#churn") == ["V#1", "V#2"]
    assert sorts(ledger, "R#churn", forward=False) == ["V#2", "V#1"]
    assert sorts(ledger, "R#churn", prefix="V#2") == ["V#2"]


def test_a_transaction_puts_changes_and_deletes() -> None:
    ledger = Ledger([an_item("a", "1"), an_item("a", "2", state="old")])
    update = {
        "Key": an_item("a", "2"),
        "UpdateExpression": "SET state = :new",
        "ExpressionAttributeValues": {":new": {"S": "new"}},
    }
    operations = [
        {"Put": {"Item": an_item("a", "3")}},
        {"Update": update},
        {"Delete": {"Key": an_item("a", "1")}},
        {"ConditionCheck": {"Key": an_item("b", "1")}},
    ]

    ledger.answer("TransactWriteItems", {"TransactItems": operations})

    assert ledger.items == [an_item("a", "2", state="new"), an_item("a", "3")]


def test_an_update_that_is_not_understood_is_refused() -> None:
    with pytest.raises(KeyError):
        Ledger().answer("UpdateItem", {"UpdateExpression": "ADD revision :one"})


@pytest.mark.parametrize(
    ("method", "path", "service", "more", "body", "operation"),
    [
        ("POST", "/", "dynamodb", {"x-amz-target": "DynamoDB_20120810.GetItem"}, "", "GetItem"),
        ("POST", "/", "sns", {}, "Action=Publish&Message=a", "Publish"),
        ("HEAD", "/bucket/key?versionId=1", "s3", {}, "", "HeadObject"),
        ("POST", "/bucket/key?uploads", "s3", {}, "", "CreateMultipartUpload"),
        ("PUT", "/bucket/key?partNumber=1&uploadId=u", "s3", {}, "", "UploadPartCopy"),
        ("POST", "/2015-03-31/functions/f/invocations", "lambda", {}, "{}", "Invoke"),
        ("DELETE", "/bucket/key", "s3", {}, "", "DELETE"),
    ],
)
def test_a_request_names_its_operation(
    method: str, path: str, service: str, more: dict[str, str], body: str, operation: str
) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=AKID/20260503/us-east-1/{service}/aws4_request, …"
    headers = {"authorization": scope, **more}

    assert operation_of(method, path, headers, body.encode()) == f"{service}:{operation}"


def test_an_object_is_absent_until_it_is_written() -> None:
    with stub_aws() as stub:
        stub.play(a_scenario(HeadObject=Answer(), CompleteMultipartUpload=Answer()))

        assert stub.answer("s3:HeadObject", "/bucket/there", b"").status == 200
        assert stub.answer("s3:HeadObject", "/bucket/new", b"").status == 404
        stub.answer("s3:CompleteMultipartUpload", "/bucket/new?uploadId=u", b"")
        assert stub.answer("s3:HeadObject", "/bucket/new", b"").status == 200
        assert stub.unanswered == []


def test_different_objects_may_have_different_contents() -> None:
    with stub_aws() as stub:
        stub.play(a_scenario(**{"GetObject there": Answer("of there"), "GetObject": Answer("any")}))
        stub.answer("s3:PutObject", "/bucket/else", b"")

        assert stub.answer("s3:GetObject", "/bucket/there?x-id=GetObject", b"").body == "of there"
        assert stub.answer("s3:GetObject", "/bucket/else", b"").body == "any"
        assert stub.answer("s3:GetObject", "/bucket/gone", b"").status == 404


def test_a_call_without_an_answer_is_remembered_and_not_retried() -> None:
    with stub_aws() as stub:
        stub.play(a_scenario())

        assert stub.answer("sagemaker:DeleteEndpoint", "/", b"").status == 400
        assert stub.unanswered == ["sagemaker:DeleteEndpoint"]


def test_each_play_begins_with_the_scenario_as_it_was() -> None:
    asked = json.dumps({"Key": an_item("a", "1")}).encode()
    with stub_aws() as stub:
        stub.play(a_scenario())
        stub.answer("dynamodb:PutItem", "/", json.dumps({"Item": an_item("a", "1")}).encode())
        kept = stub.answer("dynamodb:GetItem", "/", asked).body
        stub.play(a_scenario())

        assert json.loads(kept) == {"Item": an_item("a", "1")}
        assert stub.calls == []
        assert json.loads(stub.answer("dynamodb:GetItem", "/", asked).body) == {}


def test_scenarios_reach_another_process_as_they_are() -> None:
    scenarios = [a_scenario(HeadObject=Answer("1", {"ETag": "e"}, 404))]

    assert load_scenarios(dump_scenarios(scenarios)) == scenarios
