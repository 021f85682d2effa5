"""SageMaker's resource types in stacks. Ref is the ARN of each; GetAtt gives the name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from localcloud import hooks
from localcloud.clock import clock
from localcloud.sagemaker import configs, endpoints, groups, models, shapes
from localcloud.sagemaker.caller import ROOT, Caller
from localcloud.sagemaker.state import lock, state

Properties = dict[str, Any]
Created = tuple[str, dict[str, str]]

_POLL_SECONDS = 5.0
_NAME_LENGTH = 63


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
    for name, kind in _TYPES.items():
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": _creator(kind),
            "update": _updater(kind),
            "delete": _deleter(kind),
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
        operation = f"Create{kind.kind}"
        request = shapes.coerced(operation, {**props, kind.name_property: name})
        shapes.check(operation, request)
        arn = kind.create(request, ROOT)[f"{kind.kind}Arn"]
        if kind.kind == "Endpoint":
            _wait_until_in_service(name)
        return arn, {kind.name_property: name, f"{kind.kind}Arn": arn}

    return create


def _updater(kind: Type) -> Callable[[str, Properties, Properties, str], Created]:
    def update(physical_id: str, old: Properties, new: Properties, _stack: str) -> Created:
        name = _name_of(physical_id)
        if kind.kind == "Endpoint" and old.get("EndpointConfigName") != new["EndpointConfigName"]:
            request = shapes.coerced("UpdateEndpoint", {**new, "EndpointName": name})
            endpoints.update(request, ROOT)
            _wait_until_in_service(name)
        return physical_id, {kind.name_property: name, f"{kind.kind}Arn": physical_id}

    return update


def _deleter(kind: Type) -> Callable[[str, Properties], None]:
    def delete(physical_id: str, _props: Properties) -> None:
        name = _name_of(physical_id)
        if name in kind.resources:
            kind.delete({kind.name_property: name}, ROOT)

    return delete


def _name_of(arn: str) -> str:
    """The name behind an ARN: the ARN of an endpoint has lost its capitals."""
    with lock:
        known = {e.arn: e.name for e in state.endpoints.values()}
    return known.get(arn, arn.rsplit("/", 1)[-1])


def _wait_until_in_service(name: str) -> None:
    """Wait as CloudFormation does; a fleet that does not come up fails the resource."""
    while True:
        with lock:
            endpoint = endpoints.existing(name)
            status, failure = endpoint.status, endpoint.failure
        if failure is not None:
            raise ValueError(failure)
        if status == "InService":
            return
        clock.sleep(_POLL_SECONDS)
