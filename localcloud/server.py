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
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import environment
from localcloud.clock import clock
from localcloud.durability import moments
from localcloud.statefiles import StateFiles

SUBSYSTEMS = (
    "localcloud.connections",
    "localcloud.scopes",
    "localcloud.statements",
    "localcloud.policies",
    "localcloud.actions",
    "localcloud.encryption",
    "localcloud.calls",  # records what the policies decided
    "localcloud.answers",
    "localcloud.bus",
    "localcloud.conditions",
    "localcloud.misdeliveries",
    "localcloud.delivery",
    "localcloud.schedules",
    "localcloud.trails",
    "localcloud.storage",
    "localcloud.multiparts",
    "localcloud.tables",
    "localcloud.images",
    "localcloud.lambdas",
    "localcloud.sagemaker",
    "localcloud.bedrock",
    "localcloud.alarms",
    "localcloud.second",  # what it takes over has been mounted by then
)
# Mounted once the gateway answers, for these services: half of what there is to import.
LATE_SUBSYSTEMS = ("localcloud.workflows", "localcloud.formation")
_LATE_SERVICES = ("states", "cloudformation")
_LAST_RESORT_SECONDS = 2.5

Step = Callable[[asyncio.AbstractEventLoop], None]
"""What is done, in a thread, once the gateway answers."""


class PortTakenError(RuntimeError):
    """Another process listens on the port."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one local cloud runs: `port` 0 takes a free one, or the one that its kept state names."""

    port: int
    speed: float
    state_dir: Path
    keep: bool = False  # what is acknowledged, beyond the end of the process
    lifeline: int | None = (
        None  # a pipe whose other end closes when nobody wants the cloud any more
    )


def run(settings: Settings, started: Callable[[int], None] = lambda port: None) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; `started` is told the port once it answers.

    Raises PortTakenError before anything has been started.
    """
    files = StateFiles(settings.state_dir)
    gateway = _bind(_port(settings, files))
    port = gateway.getsockname()[1]
    files.claim(port)
    with contextlib.ExitStack() as running:
        running.callback(files.release)
        clock.set_speed(settings.speed)
        _prepare(port, files)
        _watch(settings.lifeline)
        app, resume = _mount(files, running, port if settings.keep else None)
        asyncio.run(_serve(app, gateway, [resume, lambda _: started(port)], running))


def _port(settings: Settings, files: StateFiles) -> int:
    """Kept state names its port: it is in the URL of every queue.

    Raises PortTakenError when another one is asked for.
    """
    before = moments.last(files.moment) if settings.keep else None
    if before is None:
        return settings.port
    if settings.port not in {0, before.port}:
        message = f"the state in {files.kept} answers on port {before.port}, not {settings.port}"
        raise PortTakenError(message)
    return before.port


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


def _watch(lifeline: int | None) -> None:
    """Stop when the other end of the pipe closes, as it does however its holder ends."""

    def wait() -> None:
        os.read(lifeline or 0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    if lifeline is not None:
        threading.Thread(target=wait, name="localcloud-lifeline", daemon=True).start()


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


def _mount(
    files: StateFiles, running: contextlib.ExitStack, kept_for_port: int | None
) -> tuple[Any, Step]:
    """Mount every subsystem, check and install the hooks, put back what was kept.

    Returns the ASGI application, and what to do once it answers.
    """
    from localcloud import calls, control, hooks, lateness

    calls.write_to(files.calls, anew=kept_for_port is None)
    for name in SUBSYSTEMS:
        _start(name, running)
    if kept_for_port is None:
        hooks.install()
        lateness.hold(_LATE_SERVICES)
        running.callback(_stop_late)
        return control.application(), lambda _: _in_background(lateness.mount, LATE_SUBSYSTEMS)
    from localcloud.durability import service

    for name in LATE_SUBSYSTEMS:
        _start(name, running)
    service.require()
    hooks.install()
    return control.application(), _restored(service.Durability(files.kept, kept_for_port), running)


def _start(name: str, running: contextlib.ExitStack) -> None:
    subsystem = importlib.import_module(name)
    subsystem.mount()
    running.callback(subsystem.stop)


def _stop_late() -> None:
    """Stop what has been mounted late, if it has."""
    for name in LATE_SUBSYSTEMS:
        if name in sys.modules:
            getattr(sys.modules[name], "stop", lambda: None)()


def _in_background(work: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=work, args=arguments, name="localcloud-late", daemon=True).start()


def _restored(durability: Any, running: contextlib.ExitStack) -> Step:
    from localcloud import control

    control.become("recovering")
    durability.restore()
    durability.begin()
    running.callback(durability.stop)

    def resume(loop: asyncio.AbstractEventLoop) -> None:
        durability.resume(loop)
        control.become("ok")

    return resume


async def _serve(
    app: Any,
    gateway: socket.socket,
    once_it_answers: list[Step],
    running: contextlib.ExitStack,
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
        for step in once_it_answers:
            await asyncio.to_thread(step, asyncio.get_running_loop())
        await stopping.wait()
        _arm_last_resort()
        await asyncio.to_thread(running.close)

    await serve(app, config, shutdown_trigger=until_signal)


def _arm_last_resort() -> None:
    """Leave anyway when a thread of an engine does not end: state files are released by then."""
    timer = threading.Timer(_LAST_RESORT_SECONDS, os._exit, (0,))
    timer.daemon = True
    timer.start()
