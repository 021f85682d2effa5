"""Custom resources: what their function is asked, how often, and what its answer does to a stack.

AWS: AWSCloudFormation/latest/UserGuide/template-custom-resources.html
AWS: AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes.html
AWS: AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
AWS: AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
Ours: the words of failures are those people report; each stands with the report beside its test
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.localcloud.functions import create_function
from tests.localcloud.waiting import until

if TYPE_CHECKING:
    from tests.localcloud.conftest import Clients

PROVIDER = """
import json, urllib.request, boto3
s3 = boto3.client("s3")
def handler(event, context):
    asked = event["ResourceProperties"]
    bucket = context.function_name.removesuffix("-two")
    kept = s3.list_objects_v2(Bucket=bucket).get("KeyCount", 0)
    s3.put_object(Bucket=bucket, Key=f"{kept:03d}", Body=json.dumps(event))
    if asked.get("Silent") == "true" and event["RequestType"] == "Create":
        return
    if asked.get("FailsFirst") == "true" and kept == 0:
        raise RuntimeError("not yet")
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": asked["Id"]}
    if event["RequestType"] == "Delete":
        answer["PhysicalResourceId"] = event["PhysicalResourceId"]
    else:
        answer |= {"Data": {"Word": "said"}, **json.loads(asked.get("Say", "{}"))}
    body = json.dumps(answer).encode()
    put = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(put)
"""


class Custom:
    """A stack with one custom resource, and the function that is asked for it."""

    def __init__(self, client: Clients, name: str) -> None:
        self.client, self.name = client, name
        client("s3").create_bucket(Bucket=name)
        resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        may = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:ListBucket"]}
        self._statements = [{**may, "Resource": resources}]
        self.token = self.provider(name)

    def provider(self, name: str) -> str:
        """A function that answers for resources; its ARN."""
        return create_function(self.client, name, PROVIDER, statements=self._statements, Timeout=30)

    def template(self, **properties: Any) -> str:
        """A stack that has the resource with these properties."""
        thing = {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": self.token, "Id": "first", **properties},
        }
        return json.dumps(
            {
                "Resources": {"Thing": thing},
                "Outputs": {
                    "Id": {"Value": {"Ref": "Thing"}},
                    "Word": {"Value": {"Fn::GetAtt": ["Thing", "Word"]}},
                },
            }
        )

    def create(self, **properties: Any) -> str:
        """Create the stack; the status it ends in."""
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=self.name, TemplateBody=self.template(**properties))
        return self.status()

    def update(self, **properties: Any) -> str:
        """Update the stack; the status it ends in."""
        stacks = self.client("cloudformation")
        stacks.update_stack(StackName=self.name, TemplateBody=self.template(**properties))
        return self.status()

    def _stack(self) -> Any:
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return stack

    def status(self) -> str:
        """The stack's status, once nothing goes on."""
        ended = until(
            lambda: (
                found
                if not (found := self._stack()["StackStatus"]).endswith("_IN_PROGRESS")
                else None
            ),
            "the stack is done",
            seconds=60,
        )
        return str(ended)

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return {one["OutputKey"]: one["OutputValue"] for one in self._stack()["Outputs"]}

    def reason(self, status: str) -> str:
        """Why the resource came into a status."""
        events = self.client("cloudformation").describe_stack_events(StackName=self.name)
        return next(
            one["ResourceStatusReason"]
            for one in events["StackEvents"]
            if (one["LogicalResourceId"], one["ResourceStatus"]) == ("Thing", status)
        )

    def asked(self) -> list[Any]:
        """Every request the function got, the oldest first."""
        s3 = self.client("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=self.name).get("Contents", [])]
        return [json.loads(s3.get_object(Bucket=self.name, Key=key)["Body"].read()) for key in keys]

    def wishes(self) -> list[tuple[str, str]]:
        """Kind and physical id of every request."""
        return [(one["RequestType"], one.get("PhysicalResourceId", "")) for one in self.asked()]


@pytest.fixture
def custom(client: Clients, unique: str) -> Custom:
    return Custom(client, unique)


def test_a_creation_is_asked_for_and_its_answer_is_the_resource(custom: Custom) -> None:
    assert custom.create(Number=3, Flag=True, Nested={"List": [1, "a"]}) == "CREATE_COMPLETE"

    (event,) = custom.asked()
    assert event["RequestType"] == "Create"
    assert event["ResourceType"] == "Custom::Thing"
    assert event["LogicalResourceId"] == "Thing"
    assert event["StackId"].endswith(event["StackId"].partition(f"stack/{custom.name}/")[2])
    assert event["ResponseURL"].startswith("http://127.0.0.1:")
    # "CloudFormation sends all property values as strings"
    assert event["ResourceProperties"] == {
        "ServiceToken": custom.token,
        "Id": "first",
        "Number": "3",
        "Flag": "true",
        "Nested": {"List": ["1", "a"]},
    }
    assert "PhysicalResourceId" not in event
    assert custom.outputs() == {"Id": "first", "Word": "said"}


def test_an_update_says_what_was_before_and_a_deletion_what_goes(custom: Custom) -> None:
    custom.create(Number=1)
    assert custom.update(Number=2) == "UPDATE_COMPLETE"
    update = custom.asked()[-1]
    assert update["RequestType"] == "Update"
    assert update["PhysicalResourceId"] == "first"
    assert update["OldResourceProperties"]["Number"] == "1"
    assert update["ResourceProperties"]["Number"] == "2"

    stacks = custom.client("cloudformation")
    stacks.delete_stack(StackName=custom.name)
    until(lambda: len(custom.asked()) == 3, "the deletion is asked for")
    assert custom.wishes()[-1] == ("Delete", "first")


def test_another_physical_id_is_another_resource(custom: Custom) -> None:
    """It is "considered a replacement": the old one goes."""
    custom.create()
    assert custom.update(Id="second") == "UPDATE_COMPLETE"
    assert custom.outputs()["Id"] == "second"
    until(lambda: len(custom.asked()) == 3, "the old one is deleted")
    assert custom.wishes() == [("Create", ""), ("Update", "first"), ("Delete", "first")]


def test_a_failure_fails_the_stack_with_its_reason_and_is_taken_back(custom: Custom) -> None:
    say = json.dumps({"Status": "FAILED", "Reason": "no room", "PhysicalResourceId": "half"})
    assert custom.create(Say=say) == "ROLLBACK_COMPLETE"
    # Known as "Received response status [FAILED] from custom resource."
    assert "Message returned: no room (RequestId: " in custom.reason("CREATE_FAILED")
    assert custom.wishes() == [("Create", ""), ("Delete", "half")]


def test_a_failed_update_goes_back_to_what_was(custom: Custom) -> None:
    custom.create(Number=1)
    say = json.dumps({"Status": "FAILED", "Reason": "no"})
    assert custom.update(Number=2, Say=say) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Message returned: no" in custom.reason("UPDATE_FAILED")
    assert custom.asked()[-1]["ResourceProperties"]["Number"] == "1"
    assert custom.outputs()["Id"] == "first"


def test_a_function_that_fails_is_asked_again(custom: Custom) -> None:
    """It is invoked asynchronously, so its error is retried."""
    assert custom.create(FailsFirst=True) == "CREATE_COMPLETE"
    first, second = custom.asked()
    assert first["RequestId"] == second["RequestId"]


def test_without_an_answer_in_time_the_resource_fails(custom: Custom) -> None:
    # DataDog/datadog-aws-controltower#9
    assert custom.create(Silent=True, ServiceTimeout=3) == "ROLLBACK_COMPLETE"
    reason = custom.reason("CREATE_FAILED")
    assert reason.startswith("CloudFormation did not receive a response from your Custom Resource.")
    assert custom.asked()[0]["RequestId"] in reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        # aws/aws-lambda-go#77, carlnordenfelt/aws-api-gateway-for-cloudformation#37,
        # PaloAltoNetworks/aws-elb-autoscaling#23
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"Data": {"Word": "x" * 4096}}, "Response object is too long."),
        ({"Status": "FAILURE"}, "Invalid Response object: 'FAILURE' is not a valid ResponseStatus"),
    ],
)
def test_an_answer_of_another_form_fails_the_resource(
    custom: Custom, said: dict[str, Any], reason: str
) -> None:
    assert custom.create(Say=json.dumps(said)) == "ROLLBACK_COMPLETE"
    assert custom.reason("CREATE_FAILED") == reason


def test_the_function_of_a_resource_stays(custom: Custom) -> None:
    """The service token: "Updates aren't supported"."""
    custom.create()
    custom.token = custom.provider(f"{custom.name}-two")
    assert custom.update(Number=2) == "UPDATE_ROLLBACK_COMPLETE"
    assert custom.reason("UPDATE_FAILED") == "Modifying service token is not allowed."
    assert ("Update", "first") not in custom.wishes()
