"""Weighted aliases: Lambda sends a share of an alias's invocations to a second version.

The function is told the alias's ARN, as the caller named it, and the response which version ran.
"""

import random
from typing import Any

from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.lambdas import executor


def mount() -> None:
    """Choose the version before ministack resolves the alias."""
    hooks.wrap(lambda_svc, "_invoke", "name", "event", "headers", "path_qualifier", "query_params")(
        _invoke
    )


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
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    drawn = random.random()
    for version, weight in weights.items():
        if drawn < float(weight):
            return str(version)
        drawn -= float(weight)
    return None
