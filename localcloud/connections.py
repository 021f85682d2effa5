"""Connections of callers that hung up: closed at once.

hypercorn ends a connection when all its tasks have, and one of them waits for the whole keep-alive
time of a caller who may come back; one whose end of the connection is closed cannot.
"""

from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer

from localcloud import hooks


def mount() -> None:
    """Stop waiting for callers that are gone."""
    hooks.wrap(TCPServer, "_read_data", "self")(_read_to_the_end)


def stop() -> None:
    """Nothing runs here."""


async def _read_to_the_end(original: Any, server: Any) -> None:
    await original(server)
    await server.idle_task.stop()
