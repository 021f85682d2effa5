"""Background work: at once or after a virtual delay, on a bounded number of threads.

Work that is a method of an object which can be pickled, an event on its way, is `pending` until it
has been done, so that a restart can do it again.
"""

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
_Task = tuple[float, int, Callable[[], None]]  # when it is due, its number, what to do
_waiting: list[_Task] = []
_order = itertools.count()
_changed = threading.Condition()
_stopped = False
_pending: dict[int, tuple[float, Callable[[], None]]] = {}


def submit(work: Callable[[], None]) -> None:
    """Do `work` soon, in the account's scope; what it raises is logged."""
    _begin(_note(clock.now(), work))


def after(virtual_seconds: float, work: Callable[[], None]) -> None:
    """Do `work` when the virtual clock has gone on by so much."""
    _await(_note(clock.now() + virtual_seconds, work))


def pending() -> dict[int, tuple[float, Callable[[], None]]]:
    """What has been asked for and not been done, with when it is due, by number."""
    return _pending


def adopt() -> Callable[[], None]:
    """Take over what another process left pending here; what is returned does it when it is due.

    Call before anything is submitted: the numbers go on from those of the other process.
    """
    global _order  # noqa: PLW0603
    left = sorted(_pending.items())
    _order = itertools.count(left[-1][0] + 1 if left else 0)

    def resume() -> None:
        for number, (due, work) in left:
            _await((due, number, work))

    return resume


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


def _note(due: float, work: Callable[[], None]) -> _Task:
    number = next(_order)
    if hasattr(work, "__self__"):
        _pending[number] = (due, work)
    return due, number, work


def _await(task: _Task) -> None:
    with _changed:
        heapq.heappush(_waiting, task)
        _changed.notify()


def _begin(task: _Task) -> None:
    if not _stopped:
        _pool.submit(_run, task)


def _run(task: _Task) -> None:
    _, number, work = task
    try:
        with request_scope(ACCOUNT, REGION):
            work()
    except Exception:
        _log.exception("background work failed")
    finally:
        _pending.pop(number, None)


def _watch() -> None:
    while not _stopped:
        with _changed:
            nap = _LONGEST_NAP_SECONDS
            if _waiting:
                nap = min(nap, clock.real_seconds(_waiting[0][0] - clock.now()))
            if nap > 0:
                _changed.wait(nap)
            due = _take_due()
        for task in due:
            _begin(task)


def _take_due() -> list[_Task]:
    due = []
    while _waiting and _waiting[0][0] <= clock.now():
        due.append(heapq.heappop(_waiting))
    return due
