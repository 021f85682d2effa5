"""What the person at the terminal sees; the log file keeps everything, they see what matters.

On a terminal a progress line shows what is being waited for; elsewhere the same words come as plain
lines.
"""

from __future__ import annotations

import shlex
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PLAIN_WIDTH = 110


class Telling(Protocol):
    """Whoever is told what happens."""

    def say(self, text: str) -> None:
        """Say what happened."""

    def command(self, argv: Sequence[str]) -> None:
        """Show a command as the user would type it."""

    def call(self, source: str) -> None:
        """Show a boto3 call as the user would write it."""

    def status(self, text: str) -> None:
        """Show what is being waited for."""

    def detail(self, text: str) -> None:
        """Write to the log only."""

    def check(self, name: str, passed: bool, found: str) -> bool:
        """Note whether `name` is so; return it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to be so, and what was found."""

    step: str
    name: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long one step took, in seconds."""

    title: str
    seconds: float


class Narrator:
    """Tells the story, keeps the checks and the times, and writes all of it to the log."""

    def __init__(self, log: Path, *, steps: int, console: Console | None = None) -> None:
        self.log_path = log
        self.checks: list[Check] = []
        self.times: list[StepTime] = []
        self._log: TextIO = log.open("w", buffering=1)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._step = "Set-up"
        self._last_status = ""
        self._console = console or Console()
        if not self._console.is_terminal:
            self._console.width = _PLAIN_WIDTH
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("starting", total=steps)

    def __enter__(self) -> Narrator:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        self._log.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._began

    @property
    def passed(self) -> bool:
        """Whether every check so far passed."""
        return all(check.passed for check in self.checks)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell one step, and time it."""
        began = time.monotonic()
        self._step = title
        self._show(f"\n[bold cyan]{escape(title)}[/]", title)
        try:
            yield
        finally:
            self.times.append(StepTime(title, time.monotonic() - began))
            self._progress.advance(self._bar)

    def say(self, text: str, *, at: float | None = None) -> None:
        """Say what happened, with its time: now, or that many seconds since the story began."""
        self._show(f"{self._time(at)}  {escape(text)}", text)

    def command(self, argv: Sequence[str], *, at: float | None = None) -> None:
        """Show a command as the user would type it."""
        line = shlex.join(argv)
        self._show(f"{self._time(at)}  [green]$ {escape(line)}[/]", f"$ {line}")

    def call(self, source: str, *, at: float | None = None) -> None:
        """Show a boto3 call as the user would write it."""
        self._show(f"{self._time(at)}  [blue]>>> {escape(source)}[/]", f">>> {source}")

    def status(self, text: str) -> None:
        """Show what is being waited for; the same words again say nothing."""
        if text == self._last_status:
            return
        self._last_status = text
        self._progress.update(self._bar, description=escape(text))
        if self._console.is_terminal:
            self.detail(text)
        else:
            self._show(f"[dim]{self.elapsed:6.1f} s  … {escape(text)}[/]", f"... {text}")

    def detail(self, text: str) -> None:
        """Write to the log only."""
        with self._lock:
            if not self._log.closed:
                for line in text.splitlines():
                    self._log.write(f"{self.elapsed:8.2f}  {line}\n")

    def check(self, name: str, passed: bool, found: str) -> bool:
        """Note whether `name` is so; return it."""
        self.checks.append(Check(self._step, name, passed, found))
        mark = "[green]✓[/]" if passed else "[bold red]✗[/]"
        self._show(
            f"          {mark} {escape(name)} [dim]({escape(found)})[/]",
            f"{'PASSED' if passed else 'FAILED'}: {name} ({found})",
        )
        return passed

    def fail(self, message: str) -> None:
        """Say what went wrong, in full."""
        self._show(f"[bold red]{escape(message)}[/]", message)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table; the log gets its cells."""
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._progress.console.print("")
        self._progress.console.print(table)
        self.detail("\n".join([title, *(" | ".join(row) for row in rows)]))

    def summary(self) -> None:
        """The checks and the times, as tables."""
        rows = [["✓" if c.passed else "✗", c.step, c.name, c.found] for c in self.checks]
        if rows:
            self.table("Checks", ["", "step", "what had to be so", "what was found"], rows)
        times = [[time.title, f"{time.seconds:.1f} s"] for time in self.times]
        self.table("Times", ["step", "time"], [*times, ["all", f"{self.elapsed:.1f} s"]])

    def _time(self, at: float | None) -> str:
        return f"[dim]{self.elapsed if at is None else at:6.1f} s[/]"

    def _show(self, markup: str, plain: str) -> None:
        self._progress.console.print(markup, soft_wrap=True, highlight=False)
        self.detail(plain)
