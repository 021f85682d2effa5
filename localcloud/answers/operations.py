"""Which operation of which service a request is, from its signature, target header and path."""

import functools
import re
from dataclasses import dataclass
from typing import Any

import botocore.session

_SERVICES = {
    "application-autoscaling": ("application-autoscaling",),
    "bedrock": ("bedrock-runtime", "bedrock", "bedrock-agent", "bedrock-agent-runtime"),
    "dynamodb": ("dynamodb",),
    "events": ("events",),
    "kms": ("kms",),
    "lambda": ("lambda",),
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-runtime"),
    "scheduler": ("scheduler",),
    "servicequotas": ("service-quotas",),
    "sqs": ("sqs",),
    "ssm": ("ssm",),
    "states": ("stepfunctions",),
}
"""Service models by signing name: the services that answer in JSON and whose shapes we vouch for.

The others answer in XML, of which SDKs read just the members they know.
"""
_SCOPE = re.compile(r"Credential=[^/]*/\d{8}/[^/]*/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Request:
    """What of an HTTP request tells its operation."""

    method: str
    path: str
    headers: dict[str, str]


def operation_of(request: Request) -> Any | None:
    """The botocore operation model, None for services that are not checked and unknown calls."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    for name in _SERVICES.get(scope[1], ()) if scope else ():
        model = _model(name)
        found = _rest(name, request) if _is_rest(model) else _targeted(model, request)
        if found is not None:
            return found
    return None


@functools.cache
def _model(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def _is_rest(model: Any) -> bool:
    return bool(model.metadata["protocol"].startswith("rest-"))


def _targeted(model: Any, request: Request) -> Any | None:
    name = request.headers.get("x-amz-target", "").rpartition(".")[2]
    return model.operation_model(name) if name in model.operation_names else None


def _rest(name: str, request: Request) -> Any | None:
    """By the path as it was sent: a slash within a label is quoted there."""
    for method, pattern, operation in _routes(name):
        if method == request.method and pattern.fullmatch(request.path):
            return _model(name).operation_model(operation)
    return None


@functools.cache
def _routes(name: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and operation, those that leave least open first."""
    model = _model(name)
    found = []
    for operation in model.operation_names:
        http = model.operation_model(operation).http
        uri = http["requestUri"].partition("?")[0]
        found.append((uri.count("{"), http["method"], _pattern(uri), operation))
    return [tuple(one[1:]) for one in sorted(found, key=lambda one: one[0])]


def _pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", uri)
    return re.compile("".join(_segment(part) for part in parts))


def _segment(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"
