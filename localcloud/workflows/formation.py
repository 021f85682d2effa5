"""`AWS::StepFunctions::StateMachine` in stacks: created, really updated, deleted."""

import json
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners

from localcloud import hooks
from localcloud.moto_engine import EngineError, call
from localcloud.workflows import executions, machines
from localcloud.workflows.refusals import RefusedError

_TYPE = "AWS::StepFunctions::StateMachine"
_TAG = "AWSStepFunctions.TagResource"
_UNTAG = "AWSStepFunctions.UntagResource"


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: a timestamp stays the string it is."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def mount() -> None:
    """Take the resource type over."""
    hooks.require(provisioners, "_sfn_definition", "props")
    hooks.require(provisioners, "_physical_name", call=False)
    hooks.require(provisioners, "_delete_predecessor", "delete_fn", "args", "kwargs")
    provisioners._RESOURCE_HANDLERS[_TYPE] = {
        "create": create,
        "update": update,
        "delete": delete,
        "update_with_logical_id": True,
    }


def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
    """Make the machine; Ref is its ARN."""
    name = _name(logical_id, props, stack_name)
    request = {
        "name": name,
        "type": props.get("StateMachineType", "STANDARD"),
        "tags": _tags(props),
        **_configuration(props),
    }
    arn = _run(machines.create, request)["stateMachineArn"]
    return arn, {"Arn": arn, "Name": name}


def update(
    physical_id: str,
    old_props: dict[str, Any],
    new_props: dict[str, Any],
    stack_name: str,
    logical_id: str,
) -> tuple[str, dict[str, str]]:
    """Change the machine in place, or replace it when its name changes."""
    name = _name(logical_id, new_props, stack_name)
    if name != physical_id.rsplit(":", 1)[-1]:
        replacement = create(logical_id, new_props, stack_name)
        provisioners._delete_predecessor(delete, physical_id, old_props)
        return replacement
    _run(machines.update, {"stateMachineArn": physical_id, **_configuration(new_props)})
    dropped = {tag["key"] for tag in _tags(old_props)} - {tag["key"] for tag in _tags(new_props)}
    if dropped:
        call("states", _UNTAG, {"resourceArn": physical_id, "tagKeys": sorted(dropped)})
    call("states", _TAG, {"resourceArn": physical_id, "tags": _tags(new_props)})
    return physical_id, {"Arn": physical_id, "Name": name}


def delete(physical_id: str, props: dict[str, Any]) -> None:
    """Remove the machine; its executions end with it."""
    del props
    if any(owner.arn == physical_id for owner in executions.backend().state_machines):
        machines.delete({"stateMachineArn": physical_id})


def _name(logical_id: str, props: dict[str, Any], stack_name: str) -> str:
    return str(
        props.get("StateMachineName")
        or provisioners._physical_name(stack_name, logical_id, max_len=80)
    )


def _configuration(props: dict[str, Any]) -> dict[str, Any]:
    logging = props.get("LoggingConfiguration") or {}
    tracing = props.get("TracingConfiguration") or {}
    return {
        "definition": definition_of(props),
        "roleArn": props.get("RoleArn", ""),
        "loggingConfiguration": _logging(logging),
        "tracingConfiguration": {"enabled": _is_true(tracing.get("Enabled", False))},
    }


def _logging(props: dict[str, Any]) -> dict[str, Any]:
    destinations = [
        {"cloudWatchLogsLogGroup": {"logGroupArn": item["CloudWatchLogsLogGroup"]["LogGroupArn"]}}
        for item in props.get("Destinations") or []
    ]
    return {
        "level": props.get("Level", "OFF"),
        "includeExecutionData": _is_true(props.get("IncludeExecutionData", False)),
        "destinations": destinations,
    }


def _is_true(value: Any) -> bool:
    """Templates carry booleans as text, too."""
    return str(value).lower() == "true"


def definition_of(props: dict[str, Any]) -> str:
    """The definition as JSON, substituted, whether it was JSON or YAML, in the template or S3."""
    text: str = provisioners._sfn_definition(props)
    try:
        json.loads(text)
    except ValueError:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 a safe loader
        return json.dumps(document, separators=(",", ":"))
    return text


def _tags(props: dict[str, Any]) -> list[dict[str, str]]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in props.get("Tags") or []]


def _run(operation: Any, request: dict[str, Any]) -> Any:
    try:
        return operation(request)
    except (RefusedError, EngineError) as error:
        message = (
            f'Resource handler returned message: "{error.message} (Service: Sfn, {error.code})"'
        )
        raise ValueError(message) from error
