"""The endpoint under observation: what it was, and from when to when."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.account import Sight

_LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Stretch:
    """The endpoint looked the same from the first to the last of these looks."""

    sight: Sight
    since: float
    until: float
    """Both in seconds of the client's monotonic clock."""


class EndpointWatch:
    """Looks at the endpoint a few times a second and remembers every change."""

    def __init__(self, look: Callable[[], Sight]) -> None:
        self._look = look
        self._stretches: list[Stretch] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="endpoint-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def stretches(self, since: float = -float("inf")) -> tuple[Stretch, ...]:
        """What was seen, oldest first, of the time after `since`."""
        with self._lock:
            return tuple(stretch for stretch in self._stretches if stretch.until >= since)

    def _work(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_SECONDS):
            at = time.monotonic()
            # A look that failed shows nothing; whoever waits finds out why by looking himself.
            with contextlib.suppress(BotoCoreError):
                self._note(self._look(), at)

    def _note(self, sight: Sight, asked_at: float) -> None:
        with self._lock:
            last = self._stretches[-1] if self._stretches else None
            if last is not None and last.sight == sight:
                self._stretches[-1] = replace(last, until=asked_at)
            else:
                # The answer came after `asked_at`: only then is it sure to be so.
                self._stretches.append(Stretch(sight, time.monotonic(), time.monotonic()))


def steady(stretches: tuple[Stretch, ...], version: int, percent: float) -> tuple[Stretch, ...]:
    """The stretches in which `version` had just this percentage of the traffic."""
    return tuple(stretch for stretch in stretches if stretch.sight.share(version) == percent)


def percentages(stretches: tuple[Stretch, ...], version: int) -> list[float]:
    """The percentages a version had, in order, each change once; its absence is left out."""
    seen = [share for stretch in stretches if (share := stretch.sight.share(version)) is not None]
    return [share for at, share in enumerate(seen) if at == 0 or seen[at - 1] != share]
