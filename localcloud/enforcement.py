"""The one function in which IAM decides: several modules add to it, each around the one before."""

import inspect
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator

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
    hooks.wrap(iam_evaluator, "enforce", *_PARAMETERS, by=function.__module__)(function)


def asked(original: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """What a decision is about, by the names of the parameters that were given."""
    return inspect.signature(original).bind(*args, **kwargs).arguments
