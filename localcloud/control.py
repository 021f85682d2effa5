"""What the local cloud answers besides AWS, below `/_localcloud/`: health, clock, calls, reset.

Subsystems add their own through `route`. A handler gets the JSON body of a POST, None for a GET,
and returns what is answered as JSON.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import ministack.app as gateway

from localcloud import calls, hooks, second
from localcloud.answers.record import watched
from localcloud.clock import clock

PREFIX = "/_localcloud/"

Handler = Callable[[dict[str, Any] | None], Any]
_routes: dict[str, Handler] = {}
_status = "ok"


def become(status: str) -> None:
    """Answer health with another word than `ok` while the local cloud is not ready for use."""
    global _status  # noqa: PLW0603
    _status = status


def route(path: str) -> Callable[[Handler], Handler]:
    """Answer `/_localcloud/<path>` with the decorated function, which runs in a thread."""

    def register(handler: Handler) -> Handler:
        _routes[path] = handler
        return handler

    return register


def application() -> Any:
    """The ASGI application: our own paths, and AWS, its answers checked, for everything else."""
    aws = watched(gateway.app)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _serve(scope, receive, send)
        else:
            await aws(scope, receive, send)

    return app


@route("health")
@route("clock")
def _clock(body: dict[str, Any] | None) -> dict[str, Any]:
    """Tell the virtual time; with a body, go on at another speed."""
    if body is not None:
        clock.set_speed(float(body["speed"]))
    told = {"status": _status, "time": clock.utc().isoformat(), "speed": clock.speed}
    return {**told, "second": sorted(second.chosen())}


@route("calls")
def _calls(_: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Every API call so far and whether IAM allowed it."""
    return calls.read()


route("hooks")(hooks.tell)


@route("reset")
def _reset(_: dict[str, Any] | None) -> dict[str, str]:
    """Forget every resource of ministack's services."""
    gateway._reset_all_state()
    return {"status": "ok"}


async def _serve(scope: Any, receive: Any, send: Any) -> None:
    status, answer = await _answer(scope, await _body_of(scope, receive))
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer, default=str).encode()})


async def _answer(scope: Any, body: dict[str, Any] | None) -> tuple[int, Any]:
    handler = _routes.get(scope["path"].removeprefix(PREFIX))
    if handler is None:
        return 404, {"message": f"there is no {scope['path']}", "paths": sorted(_routes)}
    try:
        return 200, await asyncio.to_thread(handler, body)
    except (KeyError, TypeError, ValueError) as error:
        return 400, {"message": f"{type(error).__name__}: {error}"}


async def _body_of(scope: Any, receive: Any) -> dict[str, Any] | None:
    if scope["method"] == "GET":
        return None
    data, more = b"", True
    while more:
        message = await receive()
        data += message.get("body", b"")
        more = message.get("more_body", False)
    body: dict[str, Any] = json.loads(data or b"{}")
    return body
