"""Functions of a stack: what an update leaves alone, and permissions on versions and aliases.

AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
AWS: lambda/latest/dg/configuration-aliases.html
AWS: lambda/latest/dg/lambda-api-permissions-ref.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.functions import create_function, create_role, invoke
from tests.localcloud.waiting import until

if TYPE_CHECKING:
    from tests.localcloud.conftest import Clients

CODE = "def handler(event, context):\n    return '{}'\n"


class Stack:
    """A stack of a few resources."""

    def __init__(self, client: Clients, name: str) -> None:
        self.name, self._stacks = name, client("cloudformation")

    def put(self, *, update: bool = False, **resources: Any) -> str:
        """Create or update it; the status it ends in."""
        request = {"StackName": self.name, "TemplateBody": json.dumps({"Resources": resources})}
        (self._stacks.update_stack if update else self._stacks.create_stack)(**request)
        return str(until(self._ended, "the stack is done", seconds=60))

    def _ended(self) -> str | None:
        (stack,) = self._stacks.describe_stacks(StackName=self.name)["Stacks"]
        status: str = stack["StackStatus"]
        return None if status.endswith("_IN_PROGRESS") else status


@pytest.fixture
def stack(client: Clients, unique: str) -> Stack:
    return Stack(client, unique)


def function(name: str, role: str, said: str) -> dict[str, Any]:
    """A function resource whose answer is `said`."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Role": role,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": CODE.format(said)},
        },
    }


def test_an_update_of_a_function_leaves_versions_and_aliases_alone(
    client: Clients, unique: str, stack: Stack
) -> None:
    role, functions = create_role(client, f"{unique}-role", []), client("lambda")
    assert stack.put(F=function(unique, role, "old")) == "CREATE_COMPLETE"
    functions.publish_version(FunctionName=unique)
    functions.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    before = functions.get_function_configuration(FunctionName=unique)
    alias = functions.get_alias(FunctionName=unique, Name="live")

    assert stack.put(update=True, F=function(unique, role, "new")) == "UPDATE_COMPLETE"

    after = functions.get_function_configuration(FunctionName=unique)
    assert after["LastUpdateStatus"] == "Successful", "the stack waited for it"
    assert after["RevisionId"] != before["RevisionId"]
    assert after["CodeSha256"] != before["CodeSha256"]
    assert (
        functions.get_alias(FunctionName=unique, Name="live")["RevisionId"] == alias["RevisionId"]
    )
    assert invoke(client, unique, Qualifier="live")["Payload"] == "old"
    assert invoke(client, unique)["Payload"] == "new"


def permission(function_name: str, principal: str) -> dict[str, Any]:
    """A permission resource."""
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": function_name,
            "Action": "lambda:InvokeFunction",
            "Principal": principal,
        },
    }


def test_a_permission_on_an_alias_lets_in_through_the_alias_alone(
    client: Clients, unique: str, stack: Stack
) -> None:
    """Only "using the qualified ARN"; "a permission error" without it."""
    arn, functions = create_function(client, unique, CODE.format("let in")), client("lambda")
    functions.publish_version(FunctionName=unique)
    functions.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    guest = create_role(client, f"{unique}-guest", [])
    assert stack.put(P=permission(f"{arn}:live", guest)) == "CREATE_COMPLETE"

    let_in = client.as_role("lambda", guest)
    for named in ({"FunctionName": unique, "Qualifier": "live"}, {"FunctionName": f"{arn}:live"}):
        assert json.loads(let_in.invoke(**named)["Payload"].read()) == "let in"
    for named in ({"FunctionName": unique}, {"FunctionName": unique, "Qualifier": "1"}):
        with pytest.raises(ClientError) as error:
            let_in.invoke(**named)
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_permission_needs_an_alias_that_is_there(
    client: Clients, unique: str, stack: Stack
) -> None:
    arn = create_function(client, unique, CODE.format("x"))
    principal = "s3.amazonaws.com"
    assert stack.put(P=permission(f"{arn}:live", principal)) == "ROLLBACK_COMPLETE"


def test_a_roles_own_policy_is_about_the_alias_too(client: Clients, unique: str) -> None:
    arn, functions = create_function(client, unique, CODE.format("x")), client("lambda")
    functions.publish_version(FunctionName=unique)
    functions.create_alias(FunctionName=unique, Name="live", FunctionVersion="1")
    actions = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]

    def as_one_who_may(resource: str) -> Any:
        name = f"{unique}-{len(resource)}"
        may = {"Effect": "Allow", "Action": actions, "Resource": resource}
        return client.as_role("lambda", create_role(client, name, [may]))

    bare, alias = as_one_who_may(arn), as_one_who_may(f"{arn}:live")
    assert bare.invoke(FunctionName=unique)["StatusCode"] == 200
    assert alias.invoke(FunctionName=unique, Qualifier="live")["StatusCode"] == 200
    assert alias.get_function_configuration(FunctionName=unique, Qualifier="live")
    for call, named in (
        (bare.invoke, {"Qualifier": "live"}),
        (bare.get_function_configuration, {"Qualifier": "1"}),
        (alias.invoke, {}),
        (alias.get_function_configuration, {}),
    ):
        with pytest.raises(ClientError) as error:
            call(FunctionName=unique, **named)
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"
