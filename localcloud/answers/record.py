"""The check before the gateway, and what it found."""

import collections
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from localcloud.answers.check import Answer, faults
from localcloud.answers.operations import Request, operation_of

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_checked: collections.Counter[tuple[str, str]] = collections.Counter()
_found: collections.Counter[tuple[str, str]] = collections.Counter()

App = Callable[[Any, Any, Any], Awaitable[None]]


def watched(app: App) -> App:
    """The application with every answer checked once it has been sent."""

    async def watching(scope: Any, receive: Any, send: Any) -> None:
        operation = operation_of(_request(scope)) if scope["type"] == "http" else None
        if operation is None:
            await app(scope, receive, send)
            return
        sent: list[dict[str, Any]] = []

        async def noting(message: dict[str, Any]) -> None:
            sent.append(message)
            await send(message)

        await app(scope, receive, noting)
        if sent:  # not so when the caller hung up
            _judge(operation, _answer(sent))

    return watching


def tell(_: dict[str, Any] | None) -> dict[str, Any]:
    """How many answers of each operation were checked, and every fault with its count."""
    with _lock:
        checked = {".".join(name): count for name, count in sorted(_checked.items())}
        found = [
            {"operation": operation, "fault": fault, "seen": seen}
            for (operation, fault), seen in _found.items()
        ]
    return {"checked": checked, "faults": found}


def _judge(operation: Any, answer: Answer) -> None:
    named = f"{operation.service_model.service_name}.{operation.name}"
    found = faults(operation, answer)
    with _lock:
        _checked[operation.service_model.service_name, operation.name] += 1
        _found.update((named, fault) for fault in found)
    for fault in found:
        _log.warning("%s answered %s, which AWS would not: %s", named, answer.status, fault)


def _request(scope: Any) -> Request:
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode()
    return Request(scope["method"], path, _named(scope["headers"]))


def _answer(sent: list[dict[str, Any]]) -> Answer:
    begun = next(one for one in sent if one["type"] == "http.response.start")
    body = b"".join(one.get("body", b"") for one in sent)
    return Answer(begun["status"], _named(begun.get("headers", [])), body)


def _named(headers: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
