"""The one virtual clock: what the local cloud calls now.

Virtual time starts at the real time and runs `speed` times as fast. Everything AWS would stamp or
wait for (metrics, alarms, schedules, endpoint transitions, Step Functions waits, event times) uses
it; request signatures, and code that really runs (a Lambda function, a model container), use real
time.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch, running `speed` times as fast as the machine's clock."""

    def __init__(self, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._real_origin = time.monotonic()
        self._virtual_origin = time.time()
        self._speed = speed

    @property
    def speed(self) -> float:
        """Virtual seconds per real second."""
        return self._speed

    def now(self) -> float:
        """The virtual time, in seconds since the epoch; never goes backwards."""
        with self._lock:
            return self._virtual_origin + (time.monotonic() - self._real_origin) * self._speed

    def utc(self) -> datetime:
        """The virtual time, as an aware datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def set_speed(self, speed: float) -> None:
        """Run at another speed from this moment on; what has passed stays as it was."""
        if speed <= 0:
            message = f"speed must be positive, not {speed}"
            raise ValueError(message)
        now = self.now()
        with self._lock:
            self._virtual_origin, self._real_origin = now, time.monotonic()
            self._speed = speed

    def advance_to(self, moment: float) -> None:
        """Go on from a later time; an earlier one changes nothing."""
        now = max(self.now(), moment)
        with self._lock:
            self._virtual_origin, self._real_origin = now, time.monotonic()

    def real_seconds(self, virtual_seconds: float) -> float:
        """How long `virtual_seconds` last on the machine's clock, at the present speed."""
        return virtual_seconds / self._speed

    def sleep(self, virtual_seconds: float, stop: threading.Event | None = None) -> bool:
        """Sleep virtual seconds, or until `stop` is set; return whether it was set."""
        waiter = stop or threading.Event()
        return waiter.wait(max(0.0, self.real_seconds(virtual_seconds)))


clock = Clock()
