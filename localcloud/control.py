"""What the local cloud answers besides AWS: `/_localcloud/health`, `/clock`, `/calls`, `/reset`."""

from __future__ import annotations

import json
from typing import Any

import ministack.app as gateway

from localcloud.clock import clock

PREFIX = "/_localcloud/"


def application() -> Any:
    """The ASGI application: our own paths, and AWS for everything else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _answer(scope, receive, send)
        else:
            await gateway.app(scope, receive, send)

    return app


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    body = {"status": "ok", "time": clock.utc().isoformat(), "speed": clock.speed}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
