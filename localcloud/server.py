"""The local cloud as one process: ministack's gateway, moto behind it, and our hooks in both.

One loopback socket serves every service. It is bound before the engines are imported, because they
read the port at import, and because a taken port should be said before anything else happens.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import environment
from localcloud.clock import clock
from localcloud.statefiles import StateFiles

SUBSYSTEMS = (
    "localcloud.policies",
    "localcloud.encryption",
    "localcloud.calls",  # records what the policies decided
    "localcloud.answers",
    "localcloud.bus",
    "localcloud.conditions",
    "localcloud.misdeliveries",
    "localcloud.delivery",
    "localcloud.schedules",
    "localcloud.storage",
    "localcloud.multiparts",
    "localcloud.tables",
    "localcloud.images",
    "localcloud.provisioning",
    "localcloud.lambdas",
    "localcloud.sagemaker",
    "localcloud.workflows",
    "localcloud.alarms",
    "localcloud.second",  # what it takes over has been mounted by then
)
_LAST_RESORT_SECONDS = 2.5


class PortTakenError(RuntimeError):
    """Another process listens on the port."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one local cloud runs: `port` 0 takes a free one."""

    port: int
    speed: float
    state_dir: Path


def run(settings: Settings, started: Callable[[int], None] = lambda port: None) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; `started` is told the port once it answers.

    Raises PortTakenError before anything has been started.
    """
    gateway = _bind(settings.port)
    port = gateway.getsockname()[1]
    files = StateFiles(settings.state_dir)
    files.claim(port)
    with contextlib.ExitStack() as running:
        running.callback(files.release)
        clock.set_speed(settings.speed)
        _prepare(port, files)
        app = _mount(files, running)
        asyncio.run(_serve(app, gateway, lambda: started(port), running))


def _bind(port: int) -> socket.socket:
    gateway = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        gateway.bind(("127.0.0.1", port))
        gateway.listen(128)
    except OSError as error:
        gateway.close()
        message = f"port {port} of 127.0.0.1 is taken: {error.strerror}"
        raise PortTakenError(message) from error
    return gateway


def _prepare(port: int, files: StateFiles) -> None:
    """Configure logs, temporary files and the environment, which the engines read at import."""
    logging.basicConfig(
        filename=files.log,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s [%(name)s] %(message)s",
    )
    logging.captureWarnings(capture=True)
    environment.prepare(port)
    os.environ["TMPDIR"] = str(files.scratch)
    tempfile.tempdir = None


def _mount(files: StateFiles, running: contextlib.ExitStack) -> Any:
    """Mount every subsystem, check and install the hooks; return the ASGI application to serve."""
    from localcloud import calls, control, hooks

    calls.write_to(files.calls)
    for name in SUBSYSTEMS:
        subsystem = importlib.import_module(name)
        subsystem.mount()
        running.callback(subsystem.stop)
    hooks.install()
    return control.application()


async def _serve(
    app: Any, gateway: socket.socket, started: Callable[[], None], running: contextlib.ExitStack
) -> None:
    """Serve until a signal; then end what runs first, so that no request waits for it."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{gateway.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def until_signal() -> None:
        started()
        await stopping.wait()
        _arm_last_resort()
        await asyncio.to_thread(running.close)

    await serve(app, config, shutdown_trigger=until_signal)


def _arm_last_resort() -> None:
    """Leave anyway when a thread of an engine does not end: state files are released by then."""
    timer = threading.Timer(_LAST_RESORT_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()
