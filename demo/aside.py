"""What happens beside the story: kept as it happens, told when its turn comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demo.narrator import Narrator


class Aside:
    """A narrator of what goes on at the same time; only the log hears of it at once."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self._told: list[Callable[[], object]] = []

    def say(self, text: str) -> None:
        """Say what happened, with its time."""
        at = self._narrator.elapsed
        self._keep(text, lambda: self._narrator.say(text, at=at))

    def command(self, argv: Sequence[str]) -> None:
        """Show a command as the user would type it."""
        at = self._narrator.elapsed
        self._keep(" ".join(argv), lambda: self._narrator.command(argv, at=at))

    def call(self, source: str) -> None:
        """Show a boto3 call as the user would write it."""
        at = self._narrator.elapsed
        self._keep(source, lambda: self._narrator.call(source, at=at))

    def status(self, text: str) -> None:
        """What is being waited for: for the log only."""
        self._narrator.detail(f"beside: {text}")

    def detail(self, text: str) -> None:
        """Write to the log only."""
        self._narrator.detail(text)

    def check(self, name: str, passed: bool, found: str) -> bool:
        """Note whether `name` is so; return it."""
        self._keep(f"{name}: {found}", lambda: self._narrator.check(name, passed, found))
        return passed

    def tell(self) -> None:
        """Tell everything so far, in its order, as of the step that is being told now."""
        told, self._told = self._told, []
        for tell in told:
            tell()

    def _keep(self, plain: str, tell: Callable[[], object]) -> None:
        self._narrator.detail(f"beside: {plain}")
        self._told.append(tell)
