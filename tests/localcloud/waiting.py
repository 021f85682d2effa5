"""Wait for what the cloud does in its own time, and bound it by this machine's pace.

A machine that is busy, or slow, gets more time in proportion: no limit in a contract test is one of
seconds on the wall alone.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_LOOPS = 20_000_000
_ORDINARY_SECONDS = 0.3
"""What an ordinary idle machine takes for so many loops."""
_GLANCE = 400_000
_GLANCE_EVERY_SECONDS = 0.25


def slowness(loops: int = _LOOPS) -> float:
    """How many times slower than an ordinary idle machine this one is now, by the wall clock."""
    began = time.monotonic()
    for _ in range(loops):
        pass
    return max(1.0, (time.monotonic() - began) / (_ORDINARY_SECONDS * loops / _LOOPS))


class Patience:
    """So many seconds as an ordinary idle machine would live them."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._since = time.monotonic()

    def lasts(self) -> bool:
        """Whether some is left."""
        passed = time.monotonic() - self._since
        if passed >= _GLANCE_EVERY_SECONDS:
            self._left -= passed / slowness(_GLANCE)
            self._since = time.monotonic()
        return self._left > 0


def until(
    look: Callable[[], Any],
    what: str,
    *,
    seconds: float = 10.0,
    good: Callable[[Any], Any] = bool,
    pause: float = 0.02,
) -> Any:
    """The first answer of `look` that is good; the test fails when there is none in time."""
    patience = Patience(seconds)
    while not good(seen := look()):
        if not patience.lasts():
            pytest.fail(f"waited {seconds:g} s and never saw that {what}; last: {seen!r}")
        time.sleep(pause)
    return seen


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done inside takes less than `seconds` of an ordinary idle machine."""
    before, began = slowness(_GLANCE), time.monotonic()
    yield
    took = time.monotonic() - began
    pace = max(before, slowness(_GLANCE))
    assert took < seconds * pace, f"{took:.2f} s at a pace of {pace:.1f}"
