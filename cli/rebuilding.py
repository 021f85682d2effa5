"""CloudFormation: the stack that a blueprint becomes, made once however often it is asked for."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.errors import RefusedError, UnusableError
from cli.telling import plain
from sluice.domain.blueprint import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST_TEMPLATE = 51_200
"""Bytes of a template that is sent with the request (CreateStack, TemplateBody)."""
_MOVING = "_IN_PROGRESS"
_FAILED = "_FAILED"
_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
_NOTHING_TO_DO = "No updates are to be performed"
_STARTS = 3
"""How often a stack is looked at anew because somebody else was in between."""


class TooLateError(Exception):
    """The stack was not done in the time there was; it goes on without us."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stack as it should be."""

    name: str
    template: str
    parameters: Mapping[str, str]
    identity: Mapping[str, str]
    """What its template says it builds: a stack of anything else is left alone."""
    capabilities: tuple[str, ...] = ()


class Rebuilding:
    """Stacks of one account and Region."""

    def __init__(
        self,
        client: Any,
        *,
        minutes: float,
        every: float,
        rest: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._rest, self._elapsed = client, rest, elapsed
        self._until, self._every = elapsed() + minutes * 60, every

    def deploy(self, wanted: Wanted) -> str:
        """Make the stack as wanted and wait; what was done: created, updated or there already.

        Raises RefusedError for a stack that is not ours or ends otherwise, TooLateError.
        """
        if (size := len(wanted.template.encode())) > LARGEST_TEMPLATE:
            message = f"its template has {size} bytes, and CloudFormation takes {LARGEST_TEMPLATE}"
            raise UnusableError(f"{message}: `aws cloudformation deploy --s3-bucket` takes more")
        for _ in range(_STARTS):
            standing = self.standing(wanted.name)
            if standing is None:
                if self._created(wanted):
                    return "created"
            elif standing["StackStatus"].endswith(_MOVING):
                self._wait(standing["StackId"], token="")
            elif self._same(standing, wanted):
                return "there already"
            else:
                return self._updated(wanted)
        raise RefusedError(f"stack {wanted.name} is changed by somebody else: ask again later")

    def standing(self, name: str) -> dict[str, Any] | None:
        """The stack as it is, or None where there is none."""
        try:
            (stack,) = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return dict(stack)

    def _same(self, standing: Mapping[str, Any], wanted: Wanted) -> bool:
        """Whether the stack is as wanted. Raises RefusedError where it is not ours, or broken."""
        name, status = wanted.name, standing["StackStatus"]
        body = self._client.get_template(StackName=name)["TemplateBody"]
        metadata = body.get("Metadata", {}) if isinstance(body, dict) else {}
        if metadata.get(METADATA) != dict(wanted.identity):
            raise RefusedError(f"stack {name} builds something else: say another --name")
        if status not in _GOOD:
            advice = f"`aws cloudformation delete-stack --stack-name {name}`, then ask again"
            raise RefusedError(f"stack {name} is {status}: {advice}")
        given = {one["ParameterKey"]: one["ParameterValue"] for one in standing["Parameters"]}
        same = {key: given.get(key) for key in wanted.parameters} == dict(wanted.parameters)
        return same and body == json.loads(wanted.template)

    def _created(self, wanted: Wanted) -> bool:
        """Whether it was we who made it: not if somebody made it meanwhile."""
        token = _token()
        try:
            made = self._client.create_stack(
                **_request(wanted), ClientRequestToken=token, OnFailure="DELETE"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "AlreadyExistsException":
                return False
            raise _refused(error, wanted) from error
        self._wait(made["StackId"], token=token)
        return True

    def _updated(self, wanted: Wanted) -> str:
        token = _token()
        try:
            made = self._client.update_stack(**_request(wanted), ClientRequestToken=token)
        except ClientError as error:
            if _NOTHING_TO_DO in str(error):
                return "there already"
            raise _refused(error, wanted) from error
        self._wait(made["StackId"], token=token)
        return "updated"

    def _wait(self, stack_id: str, *, token: str) -> None:
        """Tell what happens until the stack rests. Raises RefusedError unless it ends well."""
        told: dict[str, str] = {}
        while True:
            stack = self.standing(stack_id)
            if token:
                self._tell(stack_id, token, told)
            status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
            if not status.endswith(_MOVING):
                break
            if self._elapsed() > self._until:
                raise TooLateError(f"the stack is still {status}: ask again to go on waiting")
            self._rest(self._every)
        if token and status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            why = "; ".join(one for one in told.values() if one) or "no event says why"
            raise RefusedError(f"the stack ended as {status}: {why}")

    def _tell(self, stack_id: str, token: str, told: dict[str, str]) -> None:
        """Say what is new of this operation; `told` keeps why something failed, by event."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        found = [one for page in pages for one in page["StackEvents"]]
        for event in reversed(found):
            if event["EventId"] in told or event.get("ClientRequestToken") != token:
                continue
            name, status = event["LogicalResourceId"], event["ResourceStatus"]
            reason = event.get("ResourceStatusReason", "")
            line = f"  {name}: {status}{f', {reason}' if reason else ''}"
            print(plain(line), file=sys.stderr, flush=True)
            told[event["EventId"]] = f"{name}: {reason}" if status.endswith(_FAILED) else ""


def _request(wanted: Wanted) -> dict[str, Any]:
    return {
        "StackName": wanted.name,
        "TemplateBody": wanted.template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in wanted.parameters.items()
        ],
        **({"Capabilities": list(wanted.capabilities)} if wanted.capabilities else {}),
    }


def _refused(error: ClientError, wanted: Wanted) -> Exception:
    said = error.response["Error"]
    if said["Code"] in {"ValidationError", "InsufficientCapabilitiesException"}:
        return RefusedError(f"CloudFormation refuses stack {wanted.name}: {said['Message']}")
    return error


def _token() -> str:
    return f"sluice-{uuid.uuid4()}"
