"""The benchmark in a minute or two: the first shards only, the project's judge only.

It fails where a count cannot be chance any more, or a median is late. The seeds are fixed, so it
says the same each time: what changes it is a change of the judge.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from typing import TYPE_CHECKING

from benchmarks.judge.generator import SHARD, generate
from benchmarks.judge.goals import FOUND_AT_LOW_TRAFFIC, MEDIANS
from benchmarks.judge.ours import judge
from benchmarks.judge.results import findings
from benchmarks.judge.scenarios import by_id, healthy, regressions, seen, unseen
from benchmarks.judge.statistics import minutes, most_by_chance
from benchmarks.judge.suites import OTHERS, OURS, Task, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.judge.results import Finding
    from benchmarks.judge.shards import Outcome

ALPHA, UNLIKELY = 0.01, 1e-4
_SHARDS = 4


def watched() -> list[str]:
    """Every fine service that has errors at all, and every regression that has a goal."""
    fine = [one.id for one in (*seen(), *unseen()) if one.base]
    return [*fine, *MEDIANS, *FOUND_AT_LOW_TRAFFIC]


def failures(names: Iterable[str], jobs: int) -> list[str]:
    """What is worse than it may be, one line each."""
    tasks = [Task("panel", name, shard) for name in names for shard in range(_SHARDS)]
    found: dict[str, list[Outcome]] = {}
    for task, outcome in _each(tasks, jobs):
        found.setdefault(task.scenario, []).append(outcome)
    told = (
        _failure(name, findings(ours, by_id()[name].onset)[OURS]) for name, ours in found.items()
    )
    return [line for line in told if line]


def picked(revision: str, count: int = 3) -> list[str]:
    """Scenarios that nobody chose: by the hash of a revision."""
    names = [one.id for one in (*healthy(), *regressions())]
    return sorted(names, key=lambda name: hashlib.sha256(f"{revision}/{name}".encode()).digest())[
        :count
    ]


def again(name: str, kept: Mapping[str, Finding], jobs: int) -> dict[str, Finding]:
    """The whole scenario once more, with the rules that are quick enough."""
    tasks = [Task("panel", name, shard) for shard in range(kept[OURS].rate.rollouts // SHARD)]
    shards = [outcome for _, outcome in _each(tasks, jobs, whole=True)]
    return findings(shards, by_id()[name].onset)


def _failure(name: str, found: Finding) -> str:
    if by_id()[name].effect is None:
        most = most_by_chance(found.rate.rollouts, ALPHA, UNLIKELY)
        if found.rate.found > most:
            return f"{name}: {found.rate.found} of {found.rate.rollouts} rolled back, over {most}"
    elif name in FOUND_AT_LOW_TRAFFIC:
        if found.rate.value < 0.95:
            return f"{name}: only {found.rate.found} of {found.rate.rollouts} found"
    elif found.median[0] > MEDIANS[name]:
        return f"{name}: found in {minutes(found.median)} minutes, over {MEDIANS[name]}"
    return ""


def _each(tasks: Sequence[Task], jobs: int, *, whole: bool = False) -> list[tuple[Task, Outcome]]:
    work = _all_quick if whole else _ours
    if jobs == 1:
        return list(map(work, tasks))
    with multiprocessing.Pool(jobs) as pool:
        return pool.map(work, tasks, chunksize=1)


def _ours(task: Task) -> tuple[Task, Outcome]:
    return task, {OURS: outcome_of(judge(), generate(by_id()[task.scenario], task.shard))}


def _all_quick(task: Task) -> tuple[Task, Outcome]:
    batch = generate(by_id()[task.scenario], task.shard)
    rules = {OURS: judge(), **OTHERS}
    return task, {name: outcome_of(rule, batch) for name, rule in rules.items()}
