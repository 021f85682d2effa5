"""Runs shards in processes and keeps each as a file, so that a run can be stopped and go on."""

from __future__ import annotations

import json
import multiprocessing
import re
from typing import TYPE_CHECKING, Any

from benchmarks.judge.suites import Task, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

type Outcome = dict[str, Any]


def missing(folder: Path, tasks: Sequence[Task]) -> list[Task]:
    """The tasks that have no result yet."""
    return [task for task in tasks if not _file(folder, task).exists()]


def run_all(folder: Path, tasks: Sequence[Task], jobs: int) -> Iterator[Task]:
    """Run them in `jobs` processes; each is kept when it is done, and told."""
    with multiprocessing.Pool(jobs) as pool:
        for task, outcome in pool.imap_unordered(_run, tasks):
            _keep(_file(folder, task), outcome)
            yield task


def load(folder: Path, task: Task) -> Outcome:
    """A kept result."""
    outcome: Outcome = json.loads(_file(folder, task).read_text())
    return outcome


def _run(task: Task) -> tuple[Task, Outcome]:
    return task, run(task)


def _keep(file: Path, outcome: Outcome) -> None:
    """Whole or not at all: a run may be killed at any time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(outcome))
    part.replace(file)


def _file(folder: Path, task: Task) -> Path:
    name = re.sub(r"[^\w.%+]+", "-", f"{task.scenario}")
    return folder / task.suite / f"{name}-{task.shard:02}.json"
