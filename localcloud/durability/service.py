"""Durability as a subsystem: restore, write before each reply, sweep, and stop first of all."""

import asyncio
import functools
import itertools
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ministack.app as gateway

from localcloud import workers
from localcloud.clock import clock
from localcloud.durability import catalogue, moments, resumption
from localcloud.durability.catalogue import Catalogue
from localcloud.durability.journal import Journal
from localcloud.durability.keeper import Keeper

_SWEEP_SECONDS = 0.25  # real: what is lost of changes that nobody was told of
_STORES_AT_ONCE = 25  # most are empty
_THOROUGH = 40  # sweeps from one that trusts nothing to the next
_REST = 19  # times as long as a sweep took: it never takes more than a twentieth of a processor
_READING = ("Describe", "Get", "List", "BatchGet", "Query", "Scan", "Head", "Filter", "Lookup")
_log = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[Any]]


class Durability:
    """Keeps one local cloud in `folder`; a process that follows finds it as it was told to be."""

    def __init__(self, folder: Path, port: int) -> None:
        self._moments, self._port = folder / "moment.json", port
        self._stores = Catalogue()
        self._keeper = Keeper(Journal(folder))
        self._stopping = threading.Event()
        self._pending: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    def restore(self) -> None:
        """Put back what the folder holds. Raises JournalError when that is impossible."""
        before = moments.last(self._moments)
        if before is not None:
            clock.advance_to(before.next)
        moments.note(self._moments, self._port, clock)
        self._keeper.restore(self._stores.named)
        self._pending = workers.adopt()

    def begin(self) -> None:
        """Write before each reply from now on."""
        for service, handler in list(gateway.SERVICE_HANDLERS.items()):
            gateway.SERVICE_HANDLERS[service] = self._committing(service, handler)

    def resume(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sweep from now on, on the gateway's loop, and set going again what was under way."""
        self._loop = loop
        threading.Thread(target=self._tell_time, name="localcloud-moments", daemon=True).start()
        threading.Thread(target=self._run, name="localcloud-journal", daemon=True).start()
        resumption.resume(self._pending)

    def stop(self) -> None:
        """Write what is left, and no more: how the server ends is not state."""
        self._stopping.set()
        self._sweep(thorough=True)
        moments.note(self._moments, self._port, clock)
        self._keeper.close()

    def _committing(self, service: str, handler: Handler) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Any:
            reply = await handler(method, path, headers, body, query)
            if not _only_reads(method, headers):
                self._keeper.commit(self._stores.of(service))
            return reply

        return handle

    def _tell_time(self) -> None:
        """Apart from the sweeps: on a busy machine one may take seconds, and rests even longer."""
        while not self._stopping.wait(_SWEEP_SECONDS):
            moments.note(self._moments, self._port, clock)

    def _run(self) -> None:
        took, sweeps = 0.0, 0
        while not self._stopping.wait(max(_SWEEP_SECONDS, _REST * took)):
            began, sweeps = time.monotonic(), sweeps + 1
            try:
                self._sweep(thorough=sweeps % _THOROUGH == 0)
            except Exception:
                _log.exception("the state could not be kept")
            took = time.monotonic() - began

    def _sweep(self, *, thorough: bool) -> None:
        """Look at every store; requests are answered in between."""
        for some in itertools.batched(self._stores.all(), _STORES_AT_ONCE, strict=False):
            self._on_the_loop(functools.partial(self._keeper.sweep, some, thorough=thorough))

    def _on_the_loop(self, work: Callable[[], None]) -> None:
        async def do() -> None:
            work()

        if self._loop is None or not self._loop.is_running():
            work()
        else:
            asyncio.run_coroutine_threadsafe(do(), self._loop).result()


def require() -> None:
    """Declare the private names that durability stands on."""
    catalogue.require()


def _only_reads(method: str, headers: dict[str, str]) -> bool:
    """Whether a request cannot change anything, by its method or by the operation it names."""
    if method in {"GET", "HEAD"}:
        return True
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return operation.startswith(_READING)
