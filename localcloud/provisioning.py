"""CloudFormation where ministack falls short: SAM's parameters, tables, reserved concurrency."""

import contextvars
import functools
from collections.abc import Callable
from typing import Any

from botocore import session
from ministack.services import dynamodb, lambda_svc
from ministack.services.cloudformation import changesets, engine, handlers, provisioners

from localcloud import hooks

Properties = dict[str, Any]
_UNTYPED = {
    "AWS::Lambda::EventInvokeConfig": "PutFunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "CreateEventSourceMapping",
}
# The parameter values of the operation whose template is being transformed.
_parameters: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("parameters")


def mount() -> None:
    """Declare the hooks of this module and take over the table's handlers."""
    names = ("template", "provided_params", "previous_params")
    hooks.require(engine, "_transform_parameters", *names)
    for user in (engine, changesets, handlers):
        hooks.wrap(user, "_apply_transforms", *names)(_apply_transforms)
    hooks.require(dynamodb, "_sse_description_from_spec", "spec")
    hooks.require(dynamodb, "_update_ttl", "data")
    hooks.require(dynamodb, "_update_continuous_backups", "data")
    hooks.require(lambda_svc, "_put_function_concurrency", "func_name", "data")
    hooks.require(lambda_svc, "_delete_function_concurrency", "func_name")
    hooks.require(provisioners, "_lambda_function_for_cfn_ref", "function_ref")
    tables = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    _let_complete(tables, _complete_table)
    tables["delete"] = _unless_protected(tables["delete"])
    _let_complete(provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"], _reserve_concurrency)
    _let_find_function(provisioners._RESOURCE_HANDLERS["AWS::Lambda::Permission"])
    for resource_type, operation in _UNTYPED.items():
        _type_properties(provisioners._RESOURCE_HANDLERS[resource_type], operation)


def stop() -> None:
    """Nothing runs here."""


def _apply_transforms(
    original: Any, template: Properties, provided_params: Any = None, previous_params: Any = None
) -> Any:
    _give_sam_parameters()
    values = engine._transform_parameters(template, provided_params, previous_params)
    token = _parameters.set(values)
    try:
        return original(template, provided_params, previous_params)
    finally:
        _parameters.reset(token)


@functools.cache
def _give_sam_parameters() -> None:
    """Hook the SAM transform, which takes seconds to import, before its first use."""
    from samtranslator.translator import transform as sam

    hooks.wrap_now(
        sam,
        "transform",
        "input_fragment",
        "parameter_values",
        "managed_policy_loader",
        "feature_toggle",
        "passthrough_metadata",
    )(_transform)


def _transform(original: Any, fragment: Properties, _: Any, loader: Any, **options: Any) -> Any:
    """The SAM transform resolves references to parameters, with the values of this operation.

    Without them a change of a parameter used in an event's or a function's properties is lost.
    """
    return original(fragment, _parameters.get(), loader, **options)


def _let_complete(
    handlers_of_type: dict[str, Any], complete: Callable[[str, Properties], None]
) -> None:
    """Let a type's create and update also apply the properties they leave out."""
    for verb, position in (("create", 1), ("update", 2)):
        handlers_of_type[verb] = _completing(handlers_of_type[verb], position, complete)


def _completing(
    handler: Callable[..., Any], position: int, complete: Callable[[str, Properties], None]
) -> Callable[..., Any]:
    @functools.wraps(handler)
    def both(*args: Any, **kwargs: Any) -> Any:
        name, attributes = handler(*args, **kwargs)
        complete(name, args[position])
        return name, attributes

    return both


def _let_find_function(handlers_of_type: dict[str, Any]) -> None:
    """Let a permission fail on a function, version or alias that is not there, as on Lambda."""
    for verb, position in (("create", 1), ("update", 2)):
        handlers_of_type[verb] = _finding(handlers_of_type[verb], position)


def _finding(handler: Callable[..., Any], position: int) -> Callable[..., Any]:
    @functools.wraps(handler)
    def finding(*args: Any, **kwargs: Any) -> Any:
        named = str(args[position].get("FunctionName", ""))
        if provisioners._lambda_function_for_cfn_ref(named)[0] is None:
            message = f"Function not found: {named}"
            raise ValueError(message)
        return handler(*args, **kwargs)

    return finding


def _reserve_concurrency(name: str, properties: Properties) -> None:
    """Apply a function's reserved concurrency."""
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        lambda_svc._delete_function_concurrency(name)
    else:
        settings = {"ReservedConcurrentExecutions": int(reserved)}
        lambda_svc._put_function_concurrency(name, settings)


def _complete_table(name: str, properties: Properties) -> None:
    """Apply a table's encryption, time to live and point-in-time recovery."""
    encryption = properties.get("SSESpecification") or {}
    spec = {**encryption, "Enabled": _is_true(encryption.get("SSEEnabled"))}
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(
        spec if encryption else None
    )
    for key, apply in (
        ("TimeToLiveSpecification", dynamodb._update_ttl),
        ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups),
    ):
        if properties.get(key):
            apply({"TableName": name, key: properties[key]})


def _unless_protected(delete: Callable[..., Any]) -> Callable[..., Any]:
    """CloudFormation cannot delete a table whose deletion protection is on."""

    def guarded(physical_id: str, properties: Properties) -> Any:
        table = dynamodb._tables.get(physical_id) or {}
        if _is_true(table.get("DeletionProtectionEnabled")):
            message = (
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
            raise ValueError(message)
        return delete(physical_id, properties)

    return guarded


def _type_properties(handlers_of_type: dict[str, Any], operation: str) -> None:
    """Give a type's create and update numbers and booleans where the API has them.

    A template's scalars come as text, and ministack stores these as they come.
    """
    shape = session.get_session().get_service_model("lambda").operation_model(operation).input_shape
    for verb in ("create", "update"):
        handlers_of_type[verb] = _typing(handlers_of_type[verb], shape)


def _typing(handler: Callable[..., Any], shape: Any) -> Callable[..., Any]:
    @functools.wraps(handler)
    def typed(*args: Any, **kwargs: Any) -> Any:
        given = [_typed(shape, one) if isinstance(one, dict) else one for one in args]
        return handler(*given, **kwargs)

    return typed


def _typed(shape: Any, value: Any) -> Any:
    """The value with the scalars it holds as the shape says; what the shape lacks stays."""
    if isinstance(value, dict) and shape.type_name == "structure":
        members = shape.members
        return {k: _typed(members[k], v) if k in members else v for k, v in value.items()}
    if shape.type_name == "boolean":
        return _is_true(value)
    return int(value) if shape.type_name in {"integer", "long"} else value


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
