"""SageMaker's resource types in stacks. Ref is the ARN of each; GetAtt gives the name.

CloudFormation acts with the credentials of whoever asked for the stack operation, so IAM decides
about that principal. A property that the type does not have is refused by name, however deep.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.services.cloudformation import provisioners, stacks

from localcloud import hooks
from localcloud.clock import clock
from localcloud.sagemaker import authorization, configs, endpoints, groups, models, shapes, tags
from localcloud.sagemaker.caller import ROOT, Caller, caller_of
from localcloud.sagemaker.errors import ServiceError
from localcloud.sagemaker.state import lock, state

Properties = dict[str, Any]
Created = tuple[str, dict[str, str]]

_POLL_SECONDS = 5.0
_NAME_LENGTH = 63
_INVALID = "InvalidRequest"
_HANDLER_CODES = {
    "AccessDeniedException": "AccessDenied",
    "ResourceLimitExceeded": "ServiceLimitExceeded",
}


@dataclass(frozen=True, slots=True)
class Type:
    """One resource type: the API behind it, and the properties whose change replaces it."""

    kind: str
    create: Callable[[Properties, Caller], Properties]
    delete: Callable[[Properties, Caller], Properties]
    resources: dict[str, Any]
    replacing: tuple[str, ...]

    @property
    def name_property(self) -> str:
        """The property, and request member, that names the resource."""
        return f"{self.kind}Name"


# Everything about a model or a configuration is immutable; of a group all but tags and policy.
_TYPES = {
    "AWS::SageMaker::ModelPackageGroup": Type(
        "ModelPackageGroup",
        groups.create,
        groups.delete,
        state.groups,
        ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    ),
    "AWS::SageMaker::Model": Type(
        "Model",
        models.create,
        models.delete,
        state.models,
        (
            "ModelName",
            "PrimaryContainer",
            "Containers",
            "ExecutionRoleArn",
            "VpcConfig",
            "EnableNetworkIsolation",
        ),
    ),
    "AWS::SageMaker::EndpointConfig": Type(
        "EndpointConfig",
        configs.create,
        configs.delete,
        state.configs,
        ("EndpointConfigName", "ProductionVariants", "KmsKeyId", "DataCaptureConfig"),
    ),
    "AWS::SageMaker::Endpoint": Type(
        "Endpoint", endpoints.create, endpoints.delete, state.endpoints, ("EndpointName",)
    ),
}


def mount() -> None:
    """Register the types. They run on a worker thread, because an endpoint takes minutes."""
    for name in ("_RESOURCE_HANDLERS", "_REPLACING_PROPERTIES", "_CUSTOM_NAME_REPLACEMENT"):
        hooks.require(provisioners, name, call=False)
    hooks.require(provisioners, "_physical_name", call=False)
    hooks.require(iam_evaluator, "_verified_key", call=False)
    for name, kind in _TYPES.items():
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": _creator(kind),
            "update": _updater(kind),
            "delete": _deleter(kind),
            "update_with_logical_id": True,
        }
        provisioners._REPLACING_PROPERTIES[name] = kind.replacing
        provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": kind.name_property}

    hooks.wrap(stacks, "_runs_on_worker_thread", "resource_type")(_runs_on_worker_thread)


def _runs_on_worker_thread(original: Callable[[str], bool], resource_type: str) -> bool:
    return resource_type in _TYPES or original(resource_type)


def _creator(kind: Type) -> Callable[[str, Properties, str], Created]:
    def create(logical_id: str, props: Properties, stack_name: str) -> Created:
        name = props.get(kind.name_property) or provisioners._physical_name(
            stack_name, logical_id, max_len=_NAME_LENGTH
        )
        _refuse_unknown(kind, logical_id, props)
        operation = f"Create{kind.kind}"
        request = shapes.coerced(operation, {**props, kind.name_property: name})
        arn = _asked(operation, request, kind.create)[f"{kind.kind}Arn"]
        if kind.kind == "Endpoint":
            _wait_until_in_service(name)
        return arn, {kind.name_property: name, f"{kind.kind}Arn": arn}

    return create


def _updater(kind: Type) -> Callable[..., Created]:
    def update(
        physical_id: str, old: Properties, new: Properties, _stack: str, logical_id: str
    ) -> Created:
        _refuse_unknown(kind, logical_id, new)
        name = _name_of(physical_id)
        if kind.kind == "Endpoint" and old.get("EndpointConfigName") != new["EndpointConfigName"]:
            request = shapes.coerced("UpdateEndpoint", {**new, "EndpointName": name})
            _asked("UpdateEndpoint", request, endpoints.update)
            _wait_until_in_service(name)
        _retag(physical_id, _tags(old), _tags(new))
        return physical_id, {kind.name_property: name, f"{kind.kind}Arn": physical_id}

    return update


def _deleter(kind: Type) -> Callable[[str, Properties], None]:
    def delete(physical_id: str, _props: Properties) -> None:
        name = _name_of(physical_id)
        if name in kind.resources:
            _asked(f"Delete{kind.kind}", {kind.name_property: name}, kind.delete)

    return delete


def _asked(
    operation: str, request: Properties, carry_out: Callable[[Properties, Caller], Properties]
) -> Properties:
    """Make the call as the stack's user would; a refusal is told as CloudFormation does."""
    caller = _caller()
    try:
        shapes.check(operation, request)
        authorization.authorise(operation, request, caller)
        return carry_out(request, caller)
    except ServiceError as error:
        message = (
            f'Resource handler returned message: "{error.message} (Service: SageMaker, Status '
            f'Code: {error.status})" (HandlerErrorCode: {_HANDLER_CODES.get(error.code, _INVALID)})'
        )
        raise ValueError(message) from error


def _caller() -> Caller:
    """Who asked for the operation: the task that carries it out has its request's context."""
    key = iam_evaluator._verified_key.get()
    return caller_of(key) if key else ROOT


def _refuse_unknown(kind: Type, logical_id: str, props: Properties) -> None:
    """A property that the type has not is no typing error to be ignored."""
    operations = [f"Create{kind.kind}"]
    if kind.kind == "Endpoint":
        operations.append("UpdateEndpoint")  # what is retained by an update is a property, too
    found = shapes.extraneous(operations, props)
    if found:
        listed = "\n".join(
            f"{where}: extraneous key [{key}] is not permitted" for where, key in found
        )
        message = f"Properties validation failed for resource {logical_id} with message:\n{listed}"
        raise ValueError(message)


def _tags(props: Properties) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in props.get("Tags") or []}


def _retag(arn: str, old: dict[str, str], new: dict[str, str]) -> None:
    if dropped := sorted(old.keys() - new.keys()):
        _asked("DeleteTags", {"ResourceArn": arn, "TagKeys": dropped}, tags.delete_tags)
    if changed := dict(new.items() - old.items()):
        listed = [{"Key": key, "Value": value} for key, value in sorted(changed.items())]
        _asked("AddTags", {"ResourceArn": arn, "Tags": listed}, tags.add_tags)


def _name_of(arn: str) -> str:
    """The name behind an ARN: the ARN of an endpoint has lost its capitals."""
    with lock:
        known = {e.arn: e.name for e in state.endpoints.values()}
    return known.get(arn, arn.rsplit("/", 1)[-1])


def _wait_until_in_service(name: str) -> None:
    """Wait as CloudFormation does; a fleet that does not come up fails the resource."""
    described = {"EndpointName": name}
    while _asked("DescribeEndpoint", described, endpoints.describe):
        with lock:
            endpoint = endpoints.existing(name)
            status, failure = endpoint.status, endpoint.failure
        if failure is not None:
            raise ValueError(failure)
        if status == "InService":
            return
        clock.sleep(_POLL_SECONDS)
