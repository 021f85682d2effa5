"""Wait for what the cloud does in its own time."""

import time
from collections.abc import Callable
from typing import Any

import pytest


def until(look: Callable[[], Any], what: str, *, seconds: float = 10.0) -> Any:
    """The first true answer of `look`; the test fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {seconds:g} s and never saw that {what}")
