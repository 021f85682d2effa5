"""Durability as a subsystem: restore, write before each reply, sweep, and stop first of all."""

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

    def restore(self) -> None:
        """Put back what the folder holds. Raises JournalError when that is impossible."""
        before = moments.last(self._moments)
        if before is not None:
            clock.advance_to(before.next)
        moments.note(self._moments, self._port, clock)
        self._keeper.restore(self._stores.named)
        self._pending = workers.adopt()

    def begin(self) -> None:
        """Write before each reply from now on, and sweep."""
        for service, handler in list(gateway.SERVICE_HANDLERS.items()):
            gateway.SERVICE_HANDLERS[service] = self._committing(service, handler)
        threading.Thread(target=self._sweep, name="localcloud-journal", daemon=True).start()

    def resume(self) -> None:
        """Set going again what was under way."""
        resumption.resume(self._pending)

    def stop(self) -> None:
        """Write what is left, and no more: how the server ends is not state."""
        self._stopping.set()
        self._keeper.sweep(self._stores.all())
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

    def _sweep(self) -> None:
        took, sweeps = 0.0, 0
        while not self._stopping.wait(max(_SWEEP_SECONDS, _REST * took)):
            began, sweeps = time.monotonic(), sweeps + 1
            try:
                moments.note(self._moments, self._port, clock)
                thorough = sweeps % _THOROUGH == 0
                self._keeper.sweep(self._stores.all(), thorough=thorough)
            except Exception:
                _log.exception("the state could not be kept")
            took = time.monotonic() - began


def require() -> None:
    """Declare the private names that durability stands on."""
    catalogue.require()


def _only_reads(method: str, headers: dict[str, str]) -> bool:
    """Whether a request cannot change anything, by its method or by the operation it names."""
    if method in {"GET", "HEAD"}:
        return True
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return operation.startswith(_READING)
