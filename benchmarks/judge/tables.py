"""The tables of `docs/judge.md`, made from the results file and from nothing else."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from benchmarks.judge.goals import goals, mean_rate, twin
from benchmarks.judge.scenarios import healthy, regressions
from benchmarks.judge.statistics import minutes, percent
from benchmarks.judge.suites import KAYENTA, OTHERS, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.judge.results import Finding, Results

_BEGIN, _END = "<!-- begin: {} -->", "<!-- end: {} -->"
_SHOWN = ("ours", "Kayenta per step", "Flagger docs", "Argo docs", "hand-tuned alarm")


def tables(results: Results) -> dict[str, str]:
    """Every table, by the name of its place on the page."""
    return {
        "origin": _origin(results),
        "goals": _table(("goal", "what is asked", "found", "met"), _goal_rows(results)),
        "rules": _table(_RULE_COLUMNS, _rule_rows(results)),
        "healthy": _table(("fine service", "ours", "nothing tolerated"), _healthy_rows(results)),
        "regressions": _table(
            ("regression", *(f"{rule}: minutes" for rule in _SHOWN), "requests spoilt by ours"),
            _regression_rows(results),
        ),
    }


def write_into(page: Path, results: Results) -> None:
    """Put the tables into their places on the page."""
    text = page.read_text()
    for name, table in tables(results).items():
        before, _, rest = text.partition(_BEGIN.format(name))
        _, _, after = rest.partition(_END.format(name))
        text = f"{before}{_BEGIN.format(name)}\n\n{table}\n\n{_END.format(name)}{after}"
    page.write_text(text)


_RULE_COLUMNS = (
    "rule",
    "false rollbacks, mean",
    "worst service",
    "5x on 1 %: minutes",
    "5x on 0.1 %: minutes",
    "found of the latter",
)


def _origin(results: Results) -> str:
    panel = results.suites["panel"]
    fine = [panel[one.id][OURS].rate.rollouts for one in healthy()]
    worse = [panel[one.id][OURS].rate.rollouts for one in regressions()]
    return (
        f"From `benchmarks/results/judge.json`: revision {results.revision}, seed "
        f"`{results.seed}`; with the defaults {sum(fine):,} rollouts of {len(fine)} fine canaries, "
        f"at least {min(fine):,} each, and {sum(worse):,} of {len(worse)} others, at least "
        f"{min(worse):,} each. In brackets: 95 % intervals (Wilson for rates, order statistics "
        "for medians)."
    )


def _goal_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for goal in goals(results):
        met = "not run" if goal.met is None else "met" if goal.met else "**missed**"
        yield goal.id, goal.goal, goal.found, met


def _rule_rows(results: Results) -> Iterator[tuple[str, ...]]:
    fine = [one.id for one in healthy() if not one.limit]
    panel = results.suites["panel"]
    for rule in (OURS, *KAYENTA, *OTHERS):
        worst = max(panel[name][rule].rate.value for name in fine)
        rare = panel["1000/min base 0.1% x5"][rule]
        yield (
            rule,
            f"{100 * mean_rate(results, rule):.3g} %",
            f"{100 * worst:.3g} %",
            _middle(panel["1000/min base 1% x5"][rule]),
            _middle(rare),
            f"{100 * rare.rate.value:.3g} %",
        )


def _healthy_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for one in healthy():
        yield (
            one.id,
            percent(results.rate("panel", one.id)),
            percent(results.rate("strict", one.id)),
        )


def _regression_rows(results: Results) -> Iterator[tuple[str, ...]]:
    panel = results.suites["panel"]
    for one in regressions():
        found = panel[one.id]
        others = (_middle(found[rule]) + _noisy(results, one.id, rule) for rule in _SHOWN[1:])
        yield one.id, minutes(found[OURS].median), *others, f"{found[OURS].harm:,.0f}"


def _noisy(results: Results, name: str, rule: str) -> str:
    """A star where the rule also rolls back more than 5 % of what is fine."""
    scenario = next(one for one in regressions() if one.id == name)
    return "*" if results.rate("panel", twin(scenario).id, rule).value > 0.05 else ""


def _middle(finding: Finding) -> str:
    return "never" if finding.median[0] == inf else f"{finding.median[0]:g}"


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [tuple(columns), *rows]
    lines.insert(1, ("---",) * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
