"""Background work: at once or after a virtual delay, on a bounded number of threads."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ministack.core.responses import request_scope

from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

_THREADS = 32
_LONGEST_NAP_SECONDS = 0.25  # so that a change of speed is noticed

_log = logging.getLogger(__name__)
_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="localcloud-worker")
_waiting: list[tuple[float, int, Callable[[], None]]] = []
_order = itertools.count()
_changed = threading.Condition()
_stopped = False


def submit(work: Callable[[], None]) -> None:
    """Do `work` soon, in the account's scope; what it raises is logged."""
    if not _stopped:
        _pool.submit(_run, work)


def after(virtual_seconds: float, work: Callable[[], None]) -> None:
    """Do `work` when the virtual clock has gone on by so much."""
    with _changed:
        heapq.heappush(_waiting, (clock.now() + virtual_seconds, next(_order), work))
        _changed.notify()


def start() -> None:
    """Begin to watch the clock."""
    threading.Thread(target=_watch, name="localcloud-clock", daemon=True).start()


def stop() -> None:
    """Drop what waits and take no more; what runs ends with what it waits for."""
    global _stopped  # noqa: PLW0603
    with _changed:
        _stopped = True
        _waiting.clear()
        _changed.notify()
    _pool.shutdown(wait=False, cancel_futures=True)


def _run(work: Callable[[], None]) -> None:
    try:
        with request_scope(ACCOUNT, REGION):
            work()
    except Exception:
        _log.exception("background work failed")


def _watch() -> None:
    while not _stopped:
        with _changed:
            nap = _LONGEST_NAP_SECONDS
            if _waiting:
                nap = min(nap, clock.real_seconds(_waiting[0][0] - clock.now()))
            if nap > 0:
                _changed.wait(nap)
            due = _take_due()
        for work in due:
            submit(work)


def _take_due() -> list[Callable[[], None]]:
    due = []
    while _waiting and _waiting[0][0] <= clock.now():
        due.append(heapq.heappop(_waiting)[2])
    return due
