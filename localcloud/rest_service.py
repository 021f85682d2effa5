"""A service of ours that speaks REST with JSON: found by its path, parsed, checked, carried out."""

import asyncio
import functools
import json
import re
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import botocore.session
from ministack.core import router
from ministack.services import lambda_svc

from localcloud import hooks, json_service
from localcloud.json_service import Body, Reply
from localcloud.sagemaker import shapes
from localcloud.sagemaker.errors import ServiceError, invalid

Operation = Callable[[Body, str], Body]
"""Gets the request, by the members of its shape, and the caller's access key."""

_JSON, _EVENTS = "application/json", "application/vnd.amazon.eventstream"


def require_hooks() -> None:
    """Declare what we use of the engine beyond what services that speak JSON do."""
    json_service.require_hooks()
    hooks.require(lambda_svc, "_es_encode_message", "headers", "payload")


@dataclass(frozen=True, slots=True)
class RestService:
    """What a service does: `name` is botocore's, operations are by theirs."""

    name: str
    operations: Mapping[str, Operation]

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: Body
    ) -> Reply:
        """Answer one request; its signature has been verified."""
        access_key = router.extract_access_key_id(headers, query)
        work = functools.partial(self._answer, method, path, body, query, access_key)
        try:
            answer = await asyncio.to_thread(copy_context().run, work)
        except ServiceError as error:
            sent = {"Content-Type": _JSON, "x-amzn-ErrorType": error.code}
            return error.status, sent, error.body()
        if isinstance(answer, bytes):
            return 200, {"Content-Type": _EVENTS}, answer
        return 200, {"Content-Type": _JSON}, json.dumps(answer).encode()

    def _answer(
        self, method: str, path: str, body: bytes, query: Body, access_key: str
    ) -> Body | bytes:
        operation, labels = self._found(method, path)
        model = _model(self.name).operation_model(operation)
        request = {**_parsed(body), **_asked(model.input_shape, query), **labels}
        _require_valid(model.input_shape, request)
        answer = self.operations[operation](request, access_key)
        told: Body = _told(model.output_shape, answer)
        if model.has_event_stream_output:
            return b"".join(_event(*one) for one in told["stream"])
        return told

    def _found(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        for wanted, pattern, operation in _routes(self.name, frozenset(self.operations)):
            found = pattern.fullmatch(path)
            if found and wanted == method:
                return operation, found.groupdict()
        message = f"{method} {path} is not part of the local cloud"
        raise ServiceError("UnknownOperationException", message, status=404)


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def _routes(service: str, operations: frozenset[str]) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and operation, the longest path first: a label may hold an ARN with slashes."""
    found = []
    for name in operations:
        http = _model(service).operation_model(name).http
        uri = http["requestUri"].partition("?")[0].rstrip("/")
        parts = re.split(r"\{(\w+)\+?\}", uri)
        pattern = "".join(
            f"(?P<{part}>.+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        found.append((http["method"], re.compile(pattern + "/?"), name, len(uri)))
    found.sort(key=lambda one: -one[3])
    return [one[:3] for one in found]


def _event(name: str, content: Body) -> bytes:
    """One event of a stream, as it goes over the wire."""
    headers = {":message-type": "event", ":event-type": name, ":content-type": _JSON}
    encoded: bytes = lambda_svc._es_encode_message(headers, json.dumps(content).encode())
    return encoded


def _parsed(body: bytes) -> Body:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise ServiceError("SerializationException", "The request is not JSON") from None
    return {name: value for name, value in parsed.items() if value is not None}


def _asked(shape: Any, query: Body) -> Body:
    """The members that stand in the query."""
    found = {}
    for name, member in shape.members.items():
        given = query.get(member.serialization.get("name", name))
        if member.serialization.get("location") == "querystring" and given:
            found[name] = int(given[0]) if member.type_name == "integer" else given[0]
    return found


def _require_valid(shape: Any, request: Body) -> None:
    faults = shapes.faults(shape, request)
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise invalid(f"{len(faults)} validation {noun} detected: {'; '.join(faults)}")


def _told(shape: Any, value: Any) -> Any:
    """The answer with its times, seconds of the epoch, in the form of its members."""
    if shape.serialization.get("eventstream"):
        return [(name, _told(shape.members[name], one)) for name, one in value]
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        members = shape.members
        return {name: _told(members[name], one) for name, one in value.items() if one is not None}
    if shape.type_name == "list":
        return [_told(shape.member, one) for one in value]
    if shape.type_name == "timestamp" and shape.serialization.get("timestampFormat") == "iso8601":
        moment = datetime.fromtimestamp(value, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
