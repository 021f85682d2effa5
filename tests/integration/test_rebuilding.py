"""A blueprint's stack: made once, updated, left alone, or given up with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.errors import RefusedError, UnusableError
from cli.rebuilding import LARGEST_TEMPLATE, Rebuilding, TooLateError, Wanted

IDENTITY = {"release": "churn-v4", "digest": "0" * 64, "manifest": "s3://b/k"}
ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/again/1"


class Formation:
    """CloudFormation with one stack, which passes through the given statuses when it is changed."""

    def __init__(self, *course: str, status: str = "") -> None:
        self.course, self.status = list(course), status
        self.template: dict[str, Any] = json.loads(wanted().template)
        self.parameters = wanted().parameters
        self.asked: list[str] = []
        self.token = ""
        self.fails = ("Model", "No such role")

    def describe_stacks(self, **asked: Any) -> dict[str, Any]:
        if not self.status:
            raise _error("ValidationError", f"Stack with id {asked['StackName']} does not exist")
        told = [
            {"ParameterKey": key, "ParameterValue": one} for key, one in self.parameters.items()
        ]
        stack = {"StackId": ID, "StackStatus": self.status, "Parameters": told}
        if self.course:
            self.status = self.course.pop(0)
        return {"Stacks": [stack]}

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"TemplateBody": self.template}

    def create_stack(self, **asked: Any) -> dict[str, Any]:
        self.asked.append("create")
        assert asked["OnFailure"] == "DELETE"
        return self._begin(asked)

    def update_stack(self, **asked: Any) -> dict[str, Any]:
        self.asked.append("update")
        return self._begin(asked)

    def get_paginator(self, _: str) -> Formation:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        name, why = self.fails
        failed = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": why}
        earlier = {"EventId": "0", "LogicalResourceId": "Old", "ResourceStatus": "UPDATE_FAILED"}
        events = [{"EventId": "1", "LogicalResourceId": name, **failed}]
        token = {"ClientRequestToken": self.token}
        return [{"StackEvents": [{**events[0], **token}, {**earlier, "ClientRequestToken": "x"}]}]

    def _begin(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.status, self.token = self.course.pop(0), asked["ClientRequestToken"]
        self.template = json.loads(asked["TemplateBody"])
        return {"StackId": ID}


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def wanted(**changes: Any) -> Wanted:
    template = {"Metadata": {"Sluice": IDENTITY}}
    usual = {
        "name": "again",
        "template": json.dumps(template),
        "parameters": {"EndpointName": "again"},
        "identity": IDENTITY,
    }
    return Wanted(**{**usual, **changes})


def deploy(formation: Formation, wish: Wanted | None = None, *, minutes: float = 1) -> str:
    """Deploy on a clock that a rest moves on."""
    now = [0.0]
    rebuilding = Rebuilding(
        formation,
        minutes=minutes,
        every=10,
        rest=lambda seconds: now.__setitem__(0, now[0] + seconds),
        elapsed=lambda: now[0],
    )
    return rebuilding.deploy(wish or wanted())


def test_a_stack_is_created_and_waited_for() -> None:
    formation = Formation("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert deploy(formation) == "created"
    assert (formation.asked, formation.status) == (["create"], "CREATE_COMPLETE")


def test_what_is_there_is_left_alone() -> None:
    formation = Formation(status="CREATE_COMPLETE")
    assert deploy(formation) == "there already"
    assert formation.asked == []


def test_what_is_on_its_way_is_waited_for() -> None:
    formation = Formation("CREATE_IN_PROGRESS", "CREATE_COMPLETE", status="CREATE_IN_PROGRESS")
    assert deploy(formation) == "there already"
    assert formation.asked == []


@pytest.mark.parametrize("what", ["parameters", "template"])
def test_a_stack_of_the_release_is_brought_up_to_date(what: str) -> None:
    formation = Formation("UPDATE_COMPLETE", "UPDATE_COMPLETE", status="CREATE_COMPLETE")
    if what == "parameters":
        formation.parameters = {"EndpointName": "other"}
    else:
        formation.template = {**formation.template, "Outputs": {}}
    formation.course = ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert deploy(formation) == "updated"
    assert formation.asked == ["update"]


def test_a_stack_of_something_else_is_never_touched() -> None:
    formation = Formation(status="CREATE_COMPLETE")
    formation.template = {"Resources": {}}
    with pytest.raises(RefusedError, match="builds something else"):
        deploy(formation)
    assert formation.asked == []


def test_a_broken_stack_is_told_with_what_to_do() -> None:
    formation = Formation(status="DELETE_FAILED")
    with pytest.raises(RefusedError, match="DELETE_FAILED: `aws cloudformation delete-stack"):
        deploy(formation)
    assert formation.asked == []


def test_a_failed_creation_names_the_resource_and_its_reason_of_this_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    formation = Formation("CREATE_IN_PROGRESS", "DELETE_COMPLETE")
    with pytest.raises(RefusedError) as refused:
        deploy(formation)
    assert str(refused.value) == "the stack ended as DELETE_COMPLETE: Model: No such role"
    assert "Model: CREATE_FAILED, No such role" in capsys.readouterr().err


def test_a_stack_that_takes_too_long_goes_on_without_us() -> None:
    formation = Formation("CREATE_IN_PROGRESS")
    with pytest.raises(TooLateError, match="CREATE_IN_PROGRESS: ask again"):
        deploy(formation)


def test_somebody_who_makes_it_at_the_same_moment_is_waited_for() -> None:
    formation = Formation()

    def taken(**_: Any) -> Any:
        formation.status = "CREATE_COMPLETE"
        raise _error("AlreadyExistsException", "Stack [again] already exists")

    formation.create_stack = taken  # type: ignore[method-assign]
    assert deploy(formation) == "there already"


def test_what_cloudformation_refuses_is_told() -> None:
    formation = Formation()

    def refused(**_: Any) -> Any:
        raise _error("ValidationError", "Parameter ImageUri failed to satisfy constraint")

    formation.create_stack = refused  # type: ignore[method-assign]
    with pytest.raises(RefusedError, match="refuses stack again: Parameter ImageUri"):
        deploy(formation)


def test_a_template_that_is_too_large_is_not_sent() -> None:
    formation = Formation()
    with pytest.raises(UnusableError, match=f"takes {LARGEST_TEMPLATE}"):
        deploy(formation, wanted(template=json.dumps({"x": "y" * LARGEST_TEMPLATE})))
    assert formation.asked == []
