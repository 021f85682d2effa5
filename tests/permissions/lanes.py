"""Several stacks at once, each in a process of its own: tests mostly wait."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LANES = int(os.environ.get("SLUICE_LANES", "2"))
"""A stack keeps about half a processor busy, whatever it is asked."""


def in_lanes[**P, T](work: Callable[P, T], each: Iterable[tuple[object, ...]]) -> Iterator[T]:
    """What `work` makes of each of the arguments, as it gets ready."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(LANES, mp_context=context) as pool:
        for done in as_completed([pool.submit(work, *one) for one in each]):  # type: ignore[call-arg, arg-type]
            yield done.result()
