"""Two plots of a result as SVG, written by hand: no library, the same bytes on every machine."""

from __future__ import annotations

from html import escape
from math import inf, log10
from typing import TYPE_CHECKING

from benchmarks.judge.scenarios import healthy
from benchmarks.judge.suites import KAYENTA, OTHERS, OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmarks.judge.results import Results

type _Place = Callable[[float], float]
_WIDTH, _LEFT, _ROW, _TOP = 860, 250, 26, 46
_COLOURS = {
    OURS: "#0b6e4f",
    "Kayenta per step": "#8a4fff",
    "Flagger docs": "#d1495b",
    "Argo docs": "#edae49",
    "hand-tuned alarm": "#30638e",
}
_LEAST, _NEVER = 0.01, 180.0
"""Per cent that stands for none; minutes that stand for never."""
DETECTED = (
    "1000/min base 0.1% =10%",
    "1000/min base 1% x5",
    "1000/min base 0% +1pp",
    "1000/min base 0.1% +1pp",
    "1k 5% x2 (latency SLO)",
    "1000/min base 1% x2",
    "1000/min base 0.1% x5",
    "1000/min base 1% x1.5",
)


def plots(results: Results) -> dict[str, str]:
    """Each plot, by the name of its file."""
    return {
        "judge_false_rollbacks.svg": _false_rollbacks(results),
        "judge_detection.svg": _detection(results),
    }


def _false_rollbacks(results: Results) -> str:
    """A row a rule, a dot a fine service, a bar at the mean; per cent on a log scale."""
    fine = [one.id for one in healthy() if not one.limit]
    rules = (OURS, *KAYENTA, *OTHERS)
    parts = [_title("False rollbacks of 38 fine services: a dot each, a bar at the mean")]
    parts += _axis((_LEAST, 0.1, 1, 10, 100), _share_x, {_LEAST: "none", 100: "100 %"}, len(rules))
    for row, rule in enumerate(rules):
        shares = [100 * results.rate("panel", name, rule).value for name in fine]
        y, colour = _y(row), _COLOURS.get(rule, "#888888")
        parts += [_text(_LEFT - 10, y + 4, rule, anchor="end")]
        parts += [_dot(_share_x(one), y, colour, 0.35) for one in shares]
        mean = _share_x(sum(shares) / len(shares))
        parts.append(
            f'<rect x="{mean - 2:.1f}" y="{y - 9}" width="4" height="18" fill="{colour}"/>'
        )
    return _svg(parts, len(rules))


def _detection(results: Results) -> str:
    """A row a regression: minutes until half are found, and requests spoilt until then."""
    panel = results.suites["panel"]
    parts = [_title("Half of the regressions found after … minutes (1,000 requests a minute)")]
    parts += _axis((1, 3, 10, 30, 60, _NEVER), _minutes_x, {_NEVER: "never"}, len(DETECTED))
    parts += _legend(len(DETECTED))
    for row, name in enumerate(DETECTED):
        parts.append(_text(_LEFT - 10, _y(row) + 4, name.removeprefix("1000/min "), anchor="end"))
        for index, (rule, colour) in enumerate(_COLOURS.items()):
            middle = panel[name][rule].median[0]
            y = _y(row) + 4 * (index - 2)
            parts.append(_dot(_minutes_x(_NEVER if middle == inf else middle), y, colour, 0.9))
        spoilt = f"{panel[name][OURS].harm:,.0f} / {panel[name]['Kayenta per step'].harm:,.0f}"
        parts.append(_text(_WIDTH - 10, _y(row) + 4, spoilt, anchor="end"))
    parts.append(_text(_WIDTH - 10, _TOP - 8, "spoilt: ours / Kayenta", anchor="end"))
    return _svg(parts, len(DETECTED) + 1)


def _legend(rows: int) -> Iterator[str]:
    for index, (rule, colour) in enumerate(_COLOURS.items()):
        x = 60 + 155 * index
        yield _dot(x, _y(rows) + 26, colour, 0.9)
        yield _text(x + 8, _y(rows) + 30, rule)


def _axis(
    ticks: Sequence[float], place: _Place, ends: dict[float, str], rows: int
) -> Iterator[str]:
    for tick in ticks:
        x, bottom = place(tick), _y(rows) - _ROW // 2
        yield f'<path d="M{x:.1f} {_TOP} V{bottom}" stroke="#dddddd"/>'
        label = ends.get(tick, f"{tick:g}")
        yield _text(x, bottom + 14, label, anchor="middle")


def _share_x(share: float) -> float:
    return _scaled(log10(max(share, _LEAST) / _LEAST) / 4, _WIDTH - 40)


def _minutes_x(minutes: float) -> float:
    return _scaled(log10(minutes) / log10(_NEVER), _WIDTH - 170)


def _scaled(share: float, right: int) -> float:
    return _LEFT + share * (right - _LEFT)


def _y(row: int) -> int:
    return _TOP + _ROW * row + _ROW // 2


def _dot(x: float, y: float, colour: str, opacity: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}" opacity="{opacity}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _title(words: str) -> str:
    return f'<text x="10" y="20" font-weight="bold">{escape(words)}</text>'


def _svg(parts: Iterable[str], rows: int) -> str:
    height = _y(rows) + 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">'
    )
    ground = f'<rect width="{_WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>\n"])
