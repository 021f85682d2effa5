"""Custom resources: a function is asked, and CloudFormation waits to be told at the ResponseURL.

The function is invoked asynchronously, so it is tried again when it fails, and the wait is by the
virtual clock, though a function always gets the time on the machine's that it may need to run.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
"""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource, provisioners, stacks

from localcloud import hooks
from localcloud.clock import clock

_DEFAULT_TIMEOUT_SECONDS = 3600
_ENOUGH_TO_RUN_SECONDS = 60.0  # of the machine's clock
_LONGEST_RESPONSE_BYTES = 4096
_LONGEST_ID_BYTES = 1024
_NAP_SECONDS = 0.5
_CUSTOM = "AWS::CloudFormation::CustomResource"


class FailedError(RuntimeError):
    """The function said, or did, what fails the resource; `physical_id` is what it said it made."""

    def __init__(self, message: str, physical_id: str = "") -> None:
        super().__init__(message)
        self.physical_id = physical_id


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the function behind a custom resource."""

    wish: str
    resource: str
    properties: dict[str, Any]
    stack: str
    kind: str
    physical_id: str | None = None
    before: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def event(self, response_url: str) -> dict[str, Any]:
        """What the function gets; scalars are text, as CloudFormation sends them."""
        plain = custom_resource._normalise_resource_properties
        event = {
            "RequestType": self.wish,
            "RequestId": self.id,
            "StackId": self.stack,
            "ResponseURL": response_url,
            "ServiceToken": self.properties["ServiceToken"],
            "ResourceType": self.kind,
            "LogicalResourceId": self.resource,
            "ResourceProperties": plain(self.properties),
        }
        if self.physical_id is not None:
            event["PhysicalResourceId"] = self.physical_id
        if self.before is not None:
            event["OldResourceProperties"] = plain(self.before)
        return event

    @property
    def seconds(self) -> float:
        """How long to wait for the answer, on the machine's clock."""
        seconds = float(self.properties.get("ServiceTimeout", _DEFAULT_TIMEOUT_SECONDS))
        return max(clock.real_seconds(seconds), min(seconds, _ENOUGH_TO_RUN_SECONDS))


def mount() -> None:
    """Replace ministack's, which invokes once, waits real seconds and takes any answer."""
    hooks.require(custom_resource, "register_token", "token")
    hooks.require(custom_resource, "_pending", call=False)
    hooks.require(custom_resource, "_response_url", "token")
    hooks.require(custom_resource, "_normalise_resource_properties", "value")
    hooks.require(lambda_svc, "_get_func_record_for_ref", "function_ref")
    hooks.require(lambda_svc, "_execution_record_for_config", "func", "config")
    hooks.replace(
        custom_resource,
        "invoke_custom_resource",
        "request_type",
        "logical_id",
        "props",
        "stack_name",
        "stack_id",
        "resource_type",
        "physical_id",
        "old_props",
    )(_carry_out)
    for user in (stacks, provisioners):
        hooks.wrap(
            user,
            "_custom_named_replacement_error",
            "resource_type",
            "old_props",
            "new_props",
            "physical_id",
        )(_refusal)


def _refusal(
    original: Any, resource_type: str, old_props: Any, new_props: Any, physical_id: Any = None
) -> Any:
    """Why an update is not begun: a resource stays with the function that made it."""
    is_custom = resource_type.startswith("Custom::") or resource_type == _CUSTOM
    if is_custom and old_props.get("ServiceToken") != new_props.get("ServiceToken"):
        return "Modifying service token is not allowed."
    return original(resource_type, old_props, new_props, physical_id)


def _carry_out(  # noqa: PLR0913, PLR0917  # the engine's parameters
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    _stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Ask, wait, and return physical id and attributes; raises what fails the resource.

    What a failed creation says it made is deleted, as a stack that rolls back does.
    """
    asked = Asked(request_type, logical_id, props, stack_id, resource_type, physical_id, old_props)
    try:
        return _answer(asked)
    except FailedError as error:
        if request_type == "Create" and error.physical_id:
            _ask(Asked("Delete", logical_id, props, stack_id, resource_type, error.physical_id))
        raise


def _answer(asked: Asked) -> tuple[str, dict[str, Any]]:
    told = _ask(asked)
    if told is None:
        raise FailedError(
            "CloudFormation did not receive a response from your Custom Resource. Please check "
            f"your logs for requestId [{asked.id}]. If you are using the Python cfn-response "
            "module, you may need to update your Lambda function code so that CloudFormation can "
            "attach the updated version."
        )
    made = str(told.get("PhysicalResourceId") or "")
    if len(json.dumps(told)) > _LONGEST_RESPONSE_BYTES:
        raise FailedError("Response object is too long.")
    if told.get("Status") == "FAILED":
        reason = told.get("Reason") or ""
        raise FailedError(
            "Received response status [FAILED] from custom resource. Message returned: "
            f"{reason} (RequestId: {asked.id})",
            made,
        )
    if told.get("Status") != "SUCCESS":
        raise FailedError(
            f"Invalid Response object: {told.get('Status')!r} is not a valid ResponseStatus"
        )
    if not made or len(made.encode()) > _LONGEST_ID_BYTES:
        raise FailedError("Invalid PhysicalResourceId")
    return made, told.get("Data") or {}


def _ask(asked: Asked) -> dict[str, Any] | None:
    """Invoke the function and wait; what it put to the ResponseURL, None if nothing in time."""
    token = str(uuid.uuid4())
    arrived = custom_resource.register_token(token)
    try:
        record, config, _ = lambda_svc._get_func_record_for_ref(asked.properties["ServiceToken"])
        if not record or not config:
            raise FailedError(f"Function not found: {asked.properties['ServiceToken']}")
        run = lambda_svc._execution_record_for_config(record, config)
        event = asked.event(custom_resource._response_url(token))
        lambda_svc.invoke_async_with_retry(run, event)
        until = time.monotonic() + asked.seconds
        while not arrived.wait(_NAP_SECONDS) and time.monotonic() < until:
            pass
        told: dict[str, Any] | None = custom_resource._pending[token]["result"]
        return told
    finally:
        custom_resource._pending.pop(token, None)
