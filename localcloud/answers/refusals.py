"""An error answer: a code the operation declares, or one every operation of AWS may answer."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_COMMON: dict[str, frozenset[int]] = {
    # Those that JSON services answer with 400 are documented with 403 on some pages.
    "AccessDeniedException": frozenset({400, 403}),
    "ExpiredTokenException": frozenset({400, 403}),
    "IncompleteSignature": frozenset({400, 403}),
    "IncompleteSignatureException": frozenset({400, 403}),
    "InternalFailure": frozenset({500}),
    "InvalidSignatureException": frozenset({400, 403}),
    "MissingAuthenticationToken": frozenset({400, 403}),
    "MissingAuthenticationTokenException": frozenset({400, 403}),
    "RequestEntityTooLargeException": frozenset({413}),
    "SerializationException": frozenset({400}),
    "ServiceUnavailable": frozenset({503}),
    "ThrottlingException": frozenset({400, 429}),
    "UnknownOperationException": frozenset({400, 404}),
    "UnrecognizedClientException": frozenset({400, 403}),
    "ValidationError": frozenset({400}),
    "ValidationException": frozenset({400}),
}
"""Code and statuses, from the `Common Error Types` page of each service's API reference."""
_COMMON_TO_QUERY = {
    "InvalidParameterValue": frozenset({400}),
    "InvalidParameterCombination": frozenset({400}),
    "MissingParameter": frozenset({400}),
}
"""What services that once spoke the query protocol, as CloudWatch, answer besides."""
_OK = 300


def is_refusal(status: int) -> bool:
    """Whether an HTTP status tells an error."""
    return status >= _OK


def faults(operation: Any, status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """What is wrong with an error answer of the operation."""
    try:
        document = json.loads(body)
    except ValueError:
        yield f"error: {status} with a body that is no JSON: {body[:60]!r}"
        return
    named = headers.get("x-amzn-errortype") or (document.get("__type") or document.get("code"))
    code = str(named or "").rpartition("#")[2].partition(":")[0]
    if not code:
        yield f"error: {status} without a code"
        return
    statuses = _statuses(operation).get(code)
    if statuses is None:
        yield f"error: {code} is neither declared by the operation nor common"
    elif status not in statuses:
        yield f"error: {code} with status {status}, not {sorted(statuses)}"
    if not {"message", "Message", "errorMessage"} & set(document):
        yield f"error: {code} without a message"


def _statuses(operation: Any) -> dict[str, frozenset[int]]:
    """Every code the operation may answer, with the statuses it may come with."""
    found = dict(_COMMON)
    if "awsQueryCompatible" in operation.service_model.metadata:
        found |= _COMMON_TO_QUERY
    for shape in operation.error_shapes:
        error = shape.metadata.get("error", {})
        default = 500 if shape.metadata.get("fault") else 400
        statuses = frozenset({error.get("httpStatusCode", default)})
        found |= {shape.name: statuses, error.get("code", shape.name): statuses}
    return found
