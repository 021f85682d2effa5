"""Asking Bedrock again, while there is time for an answer."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from sluice.adapters.bedrock_errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_ANSWER_SECONDS = 85
"""How long one answer of a model is waited for."""
LONGEST_LOOK_UP_SECONDS = 10
"""How long a knowledge base is."""
RESERVE_MILLISECONDS = 105_000
"""What must be left of an invocation for anything to be asked again: a look-up and an answer."""

_BASE_SECONDS, _MOST_SECONDS = 0.5, 4.0


@dataclass(slots=True)
class Insistence:
    """One request's: how much time it has, and how often Bedrock had no room for it."""

    remaining: Callable[[], int]
    """Milliseconds until Lambda ends the invocation."""
    rest: Callable[[float], None] = time.sleep
    throttled: int = 0

    def ask[T](self, question: Callable[[], T]) -> T:
        """The answer. Raises BusyError when there is no time to ask again, and RefusedError."""
        for attempt in count():
            try:
                return question()
            except BusyError as error:
                self.throttled += error.throttled
                longest = min(_MOST_SECONDS, _BASE_SECONDS * 2**attempt)
                pause = random.uniform(0, longest)  # noqa: S311 - jitter
                if self.remaining() - pause * 1000 < RESERVE_MILLISECONDS:
                    raise
                self.rest(pause)
        raise AssertionError  # counting does not end
