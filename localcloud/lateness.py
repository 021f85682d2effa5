"""Services that are mounted after the gateway answers: whoever calls one earlier waits for it."""

import asyncio
import importlib
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import ministack.app as gateway

from localcloud import hooks

_log = logging.getLogger(__name__)
_mounted = threading.Event()

Handler = Callable[..., Awaitable[Any]]


def hold(services: tuple[str, ...]) -> None:
    """Let requests to these services wait until `mount` is done."""
    for service in services:
        gateway.SERVICE_HANDLERS[service] = _waiting(service, gateway.SERVICE_HANDLERS[service])


def mount(names: tuple[str, ...]) -> None:
    """Mount subsystems, check and install their hooks; end the process if that fails."""
    try:
        for name in names:
            importlib.import_module(name).mount()
        hooks.install()
    except Exception:
        _log.exception("%s cannot be mounted", names)
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        _mounted.set()


def _waiting(service: str, usual: Handler) -> Handler:
    """The service's handler as it is when everything is mounted: its own, or the engine's."""

    async def handle(*request: Any) -> Any:
        await asyncio.to_thread(_mounted.wait)
        found = gateway.SERVICE_HANDLERS[service]
        return await (usual if found is handle else found)(*request)

    return handle
