"""Waiting with a deadline and an eye on what goes wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_EVERY_SECONDS = 0.3
_SLACK_SECONDS = 25.0
"""Processes start, functions run and the CLI loads in real time, whatever the clock says."""


class StuckError(RuntimeError):
    """Something did not happen in time; the message shows the state of things."""


class WrongTurnError(RuntimeError):
    """Something happened that makes waiting pointless; the message shows the state of things."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, and who is told of it."""

    speed: float
    """The cloud's seconds in a real one."""
    status: Callable[[str], None]
    now: Callable[[], str]
    """The state of things in a few words."""
    picture: Callable[[], str]
    """The state of things for a person who has to find out what went wrong."""

    def until[T](
        self,
        what: str,
        probe: Callable[[], T | None],
        *,
        minutes: float,
        unless: Callable[[], str | None] = lambda: None,
    ) -> T:
        """Wait until `probe` finds something and return it; `minutes` are the cloud's.

        Raises StuckError when it does not in time, WrongTurnError once `unless` gives a reason.
        """
        deadline = time.monotonic() + minutes * 60 / self.speed + _SLACK_SECONDS
        while True:
            found = probe()
            if found is not None:
                return found
            if (reason := unless()) is not None:
                raise WrongTurnError(f"waiting for {what}: {reason}\n{self.picture()}")
            if time.monotonic() > deadline:
                raise StuckError(f"{what}: not in time\n{self.picture()}")
            self.status(f"{what} · {self.now()}")
            time.sleep(_LOOK_EVERY_SECONDS)
