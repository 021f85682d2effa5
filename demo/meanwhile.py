"""What happens beside the story, in a thread of its own, and is told when its turn comes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.aside import Aside


class Meanwhile:
    """Something to play, and the narrator who keeps what happens in it."""

    def __init__(self, aside: Aside, play: Callable[[], None]) -> None:
        self._aside = aside
        self._play = play
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._played, name="meanwhile", daemon=True)

    def begin(self) -> None:
        """Begin to play it."""
        self._thread.start()

    def tell(self) -> None:
        """Wait for its end and tell it; raises what ended it early, if anything did."""
        self._thread.join()
        self._aside.tell()
        if self._fault is not None:
            raise self._fault

    def _played(self) -> None:
        try:
            self._play()
        except BaseException as fault:
            self._fault = fault
