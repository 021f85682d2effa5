"""Aliases: which versions one may lead to, and which of two an invocation gets.

Lambda sends a share of an alias's invocations to a second version. The function is told the
alias's ARN, as the caller named it, and the response which version ran.
https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

import random
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.lambdas import executor

Reply = Any
_LATEST = "$LATEST"


def mount() -> None:
    """Choose the version before ministack resolves the alias; check what an alias is to lead to."""
    hooks.wrap(lambda_svc, "_invoke", "name", "event", "headers", "path_qualifier", "query_params")(
        _invoke
    )
    hooks.wrap(lambda_svc, "_create_alias", "func_name", "data")(_create)
    hooks.wrap(lambda_svc, "_update_alias", "func_name", "alias_name", "data")(_update)


async def _invoke(
    original: Any,
    name: str,
    event: Any,
    headers: dict[str, str],
    path_qualifier: str | None = None,
    query_params: dict[str, Any] | None = None,
) -> Any:
    named = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or None
    version = chosen_version(lambda_svc._functions.get(name), named)
    if version is None:
        return await original(name, event, headers, path_qualifier, query_params)
    with executor.named(f"{lambda_svc._func_arn(name)}:{named}"):
        return await original(name, event, headers, version, {})


def chosen_version(function: dict[str, Any] | None, qualifier: str | None) -> str | None:
    """The version that an alias's weights pick now, None where its first version serves."""
    alias = (function or {}).get("aliases", {}).get(qualifier) or {}
    drawn = random.random()
    for version, weight in _weights(alias).items():
        if drawn < float(weight):
            return str(version)
        drawn -= float(weight)
    return None


def _create(original: Any, func_name: str, data: dict[str, Any]) -> Reply:
    return _refusal(func_name, data) or original(func_name, data)


def _update(original: Any, func_name: str, alias_name: str, data: dict[str, Any]) -> Reply:
    """UpdateAlias: what is not given stays as it is, and is checked together with what is."""
    function = lambda_svc._functions.get(func_name) or {}
    before = function.get("aliases", {}).get(alias_name) or {}
    refused = _refusal(func_name, {**before, **data}) if before else None
    return refused or original(func_name, alias_name, data)


def _weights(alias: dict[str, Any]) -> dict[str, Any]:
    return (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def _refusal(name: str, alias: dict[str, Any]) -> Reply:
    """Why an alias of the function must not be as described, or None."""
    function = lambda_svc._functions.get(name)
    if function is None:
        return None  # ministack's own answer
    first, others = str(alias.get("FunctionVersion", _LATEST)), _weights(alias)
    wrong = _wrong_weights(first, others)
    if wrong:
        return error_response_json("InvalidParameterValueException", wrong, 400)
    for version in (first, *others):
        if version != _LATEST and version not in function["versions"]:
            message = f"Function not found: {lambda_svc._func_arn(name)}:{version}"
            return error_response_json("ResourceNotFoundException", message, 404)
    leads_to = [function["versions"][one]["config"] for one in (first, *others) if others]
    different = _difference(leads_to)
    if different:
        message = f"Specified versions must be associated with the same {different}"
        return error_response_json("InvalidParameterValueException", message, 400)
    return None


def _wrong_weights(first: str, others: dict[str, Any]) -> str:
    if len(others) > 1:
        return "Number of items in AdditionalVersionWeights cannot be greater than 1"
    if others and _LATEST in {first, *others}:
        return "$LATEST is not supported for an alias pointing to more than 1 version"
    if first in others:
        return (
            f"Invalid function version {first}. Function version {first} is already included in "
            "routing configuration."
        )
    if any(not 0 <= float(weight) <= 1 for weight in others.values()):
        return "The weight of a version is from 0.0 to 1.0"
    return ""


def _difference(configs: list[dict[str, Any]]) -> str:
    """What the versions would have to share, and do not."""
    if len({config["Role"] for config in configs}) > 1:
        return "execution role"
    queues = {(config.get("DeadLetterConfig") or {}).get("TargetArn") for config in configs}
    return "dead letter queue configuration" if len(queues) > 1 else ""
