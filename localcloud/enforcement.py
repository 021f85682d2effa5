"""The one function in which IAM decides: several modules add to it, each around the one before."""

from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import ResolvedCredential
from ministack.core.responses import get_account_id

from localcloud import hooks

_PARAMETERS = (
    "access_key_id",
    "iam_action",
    "service",
    "region",
    "resource_arn",
    "service_context",
)


def wrap(function: Callable[..., Any]) -> None:
    """Call `function(original, ...)` for every decision; None is an allowance."""
    hooks.require(iam_evaluator, "resolve_credential", call=False)
    hooks.wrap(iam_evaluator, "enforce", *_PARAMETERS, by=function.__module__)(function)


def asked(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """What a decision is about, by the names of the parameters that were given."""
    return {**dict(zip(_PARAMETERS, args, strict=False)), **kwargs}


def caller(access_key_id: str | None) -> ResolvedCredential | None:
    """Whose key it is, None when it is nobody's; without the policies, which are long to read."""
    found = iam_evaluator.resolve_credential(access_key_id or "", get_account_id())
    return found if isinstance(found, ResolvedCredential) else None


def root(access_key_id: str | None) -> ResolvedCredential | None:
    """The account's own credential, None when the key is another's."""
    found = caller(access_key_id)
    return found if found and found.principal_type == "Root" else None
