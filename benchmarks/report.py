"""A result as a table on the terminal, and as the tables of `docs/performance.md`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from benchmarks.scenario import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from benchmarks.artifact import Size
    from benchmarks.results import Event, Result

_BEGIN, _END = "<!-- begin: figures -->", "<!-- end: figures -->"
_MIB = 1024 * 1024
type Rows = Iterator[tuple[str, ...]]

EVENT_COLUMNS = ("function", "first event", "init", "to the end", "to usual", "AWS calls")
TIMING_COLUMNS = ("function", "first event", "init CPU", "CPU", "to usual", "peak memory")
SIZE_COLUMNS = ("artifact", "files", "unzipped", "zipped", "byte code")


def show(result: Result, console: Console) -> None:
    """Print the result for people."""
    console.print(f"{result.stem}: {_conditions(result)}")
    _show(console, "Instructions, millions", EVENT_COLUMNS, event_rows(result))
    _show(console, "This machine", TIMING_COLUMNS, timing_rows(result))
    _show(console, "What is deployed", SIZE_COLUMNS, size_rows(result))


def markdown(result: Result) -> str:
    """The figures that another machine would find too, as Markdown tables."""
    parts = [
        f"From `benchmarks/results/{result.stem}.json`: {_conditions(result)}.",
        "Instructions in millions, of the whole process; `to usual` is the ratio to the usual way.",
        _table(EVENT_COLUMNS, event_rows(result)),
        "The AWS calls, in order:",
        "\n".join(f"- {_subject(one)}: {_in_order(one.calls)}" for one in result.events),
        "What is deployed:",
        _table(SIZE_COLUMNS, size_rows(result)),
        "On the machine that measured, for orientation only:",
        _table(TIMING_COLUMNS, timing_rows(result)),
    ]
    return "\n\n".join(parts)


def write_into(page: Path, result: Result) -> None:
    """Replace the figures on a page that has room for them between two comments."""
    before, _, rest = page.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{markdown(result)}\n\n{_END}{after}")


def event_rows(result: Result) -> Rows:
    """A row for each event: what was counted."""
    usual = next((one.instructions for one in result.events if one.function == REFERENCE), None)
    for one in result.events:
        yield (
            one.function,
            one.event,
            _millions(one.init_instructions),
            _millions(one.instructions),
            _ratio(one.instructions, usual),
            str(len(one.calls)),
        )


def timing_rows(result: Result) -> Rows:
    """A row for each event: what this machine took."""
    usual = next((one.cpu_ms for one in result.timings if one.function == REFERENCE), None)
    for one in result.timings:
        yield (
            one.function,
            one.event,
            f"{one.init_cpu_ms:.0f} ms",
            f"{one.cpu_ms:.0f} ms",
            _ratio(one.cpu_ms, usual),
            f"{one.peak_rss_mib:.1f} MiB",
        )


def size_rows(result: Result) -> Rows:
    """A row for the layer, one for the functions together, one for everything."""
    layer = {name: size for name, size in result.sizes.items() if name.endswith("Layer")}
    functions = {name: size for name, size in result.sizes.items() if name not in layer}
    for name, sizes in (("layer", layer), ("functions", functions), ("all", result.sizes)):
        yield _size_row(name, list(sizes.values()))


def _size_row(name: str, sizes: list[Size]) -> tuple[str, ...]:
    sources, compiled = sum(one.sources for one in sizes), sum(one.compiled for one in sizes)
    return (
        name,
        f"{sum(one.files for one in sizes):,}",
        f"{sum(one.bytes for one in sizes) / _MIB:.2f} MiB",
        f"{sum(one.zipped_bytes for one in sizes) / _MIB:.2f} MiB",
        f"{compiled:,} of {sources:,}",
    )


def _show(console: Console, title: str, columns: tuple[str, ...], rows: Rows) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        words = column in columns[:2]
        table.add_column(column, justify="left" if words else "right", no_wrap=column == columns[0])
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _table(columns: tuple[str, ...], rows: Rows) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _conditions(result: Result) -> str:
    valgrind = f"valgrind {result.valgrind}" if result.valgrind else ""
    return ", ".join(filter(None, (f"Python {result.python}", valgrind, result.note)))


def _subject(event: Event) -> str:
    return f"`{event.function}`, {event.event}"


def _in_order(calls: list[str]) -> str:
    """`dynamodb:GetItem` twice, and so on: each where it first came."""
    counted = Counter(calls).items()
    return ", ".join(
        f"`{call}` {times} times" if times > 1 else f"`{call}`" for call, times in counted
    )


def _millions(instructions: int | None) -> str:
    return "–" if instructions is None else f"{instructions / 1e6:,.0f}"  # noqa: RUF001 - a dash


def _ratio(value: float | None, usual: float | None) -> str:
    return f"{value / usual:.2f}" if value and usual else ""
