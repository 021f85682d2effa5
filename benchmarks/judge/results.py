"""The result of a full run: for each suite, scenario and rule how often, how soon, at what cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.judge.generator import SEED
from benchmarks.judge.shards import load, missing
from benchmarks.judge.statistics import Rate, median
from benchmarks.judge.suites import SUITES, scenarios, tasks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.judge.shards import Outcome

FILE = Path(__file__).parent.parent / "results" / "judge.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule did in one scenario."""

    rate: Rate
    median: tuple[float, float, float]
    """Minutes after the onset, with the interval; infinite where most rollouts end without."""
    harm: float
    """Requests spoilt a rollout until then, on average."""
    minutes: int
    """The sum of all minutes: another run that finds the same count should find this, too."""


@dataclass(frozen=True, slots=True)
class Results:
    """A full run."""

    revision: str
    seed: str
    milliseconds: float
    """A poll of three metrics after 90 minutes took this long on the machine that ran it."""
    suites: dict[str, dict[str, dict[str, Finding]]]

    def rate(self, suite: str, scenario: str, rule: str = "ours") -> Rate:
        """How often the rule rolled back, or whatever the suite counts."""
        return self.suites[suite][scenario][rule].rate


def collect(folder: Path, revision: str, milliseconds: float) -> Results:
    """The shards of a run, put together: of each scenario those from the first without a gap.

    A suite that has not come to all of its scenarios is left out.
    """
    suites = {}
    for suite in SUITES:
        onsets = {scenario.id: scenario.onset for scenario in scenarios(suite)}
        shards: dict[str, list[Outcome]] = {name: [] for name in onsets}
        lacking = missing(folder, list(tasks(suite)))
        ends = {task.scenario: task.shard for task in reversed(lacking)}
        for task in tasks(suite):
            if task.shard < ends.get(task.scenario, task.shard + 1):
                shards[task.scenario].append(load(folder, task))
        if all(shards.values()):
            suites[suite] = {name: findings(found, onsets[name]) for name, found in shards.items()}
    return Results(revision, SEED, milliseconds, suites)


def findings(shards: Iterable[Outcome], onset: int) -> dict[str, Finding]:
    """Of each rule, over the shards that it was run on."""
    minutes: dict[str, list[int]] = {}
    harm: dict[str, float] = {}
    for shard in shards:
        for rule, outcome in shard.items():
            minutes.setdefault(rule, []).extend(outcome["minutes"])
            harm[rule] = harm.get(rule, 0.0) + outcome.get("harm", 0.0)
    return {
        rule: Finding(
            rate=Rate(sum(map(bool, found)), len(found)),
            median=median(found, onset),
            harm=round(harm[rule] / len(found), 3),
            minutes=sum(found),
        )
        for rule, found in minutes.items()
    }


def dump(results: Results) -> dict[str, Any]:
    """As JSON holds it: no infinity, one row a finding."""
    suites = {
        suite: {
            name: {rule: _row(finding) for rule, finding in found.items()}
            for name, found in of_suite.items()
        }
        for suite, of_suite in results.suites.items()
    }
    return {
        "revision": results.revision,
        "seed": results.seed,
        "milliseconds": results.milliseconds,
        "suites": suites,
    }


def read(file: Path = FILE) -> Results:
    """A file that holds `dump`."""
    kept = json.loads(file.read_text())
    suites = {
        suite: {
            name: {rule: _finding(row) for rule, row in found.items()}
            for name, found in of_suite.items()
        }
        for suite, of_suite in kept["suites"].items()
    }
    return Results(kept["revision"], kept["seed"], kept["milliseconds"], suites)


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "found": finding.rate.found,
        "rollouts": finding.rate.rollouts,
        "wilson": [round(one, 6) for one in finding.rate.interval],
        "median": [None if one == inf else one for one in finding.median],
        "harm": finding.harm,
        "minutes": finding.minutes,
    }


def _finding(row: dict[str, Any]) -> Finding:
    middle, low, high = (inf if one is None else one for one in row["median"])
    return Finding(
        Rate(row["found"], row["rollouts"]), (middle, low, high), row["harm"], row["minutes"]
    )
