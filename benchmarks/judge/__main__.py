"""The canary judge against the rules that others deploy with, on simulated services.

`--full` runs every scenario, 4,000 rollouts each, into shards under `.build/judge/`; stopped, it
goes on where it was. `--collect` turns the shards into `benchmarks/results/judge.json`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.judge.shards import missing, run_all
from benchmarks.judge.suites import SUITES, tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Run what is asked for."""
    options = _parser().parse_args()
    folder = options.shards or ROOT / ".build" / "judge" / _revision()
    if options.full:
        _full(folder, options.suites or SUITES, options.jobs)
    return 0


def _full(folder: Path, suites: Sequence[str], jobs: int) -> None:
    todo = missing(folder, [task for suite in suites for task in tasks(suite)])
    began = time.monotonic()
    for done, task in enumerate(run_all(folder, todo, jobs), 1):
        if done % 10 == 0 or done == len(todo):
            left = (time.monotonic() - began) / done * (len(todo) - done) / 60
            sys.stdout.write(f"{done} of {len(todo)}, {task.suite}, {left:.0f} minutes left\n")
            sys.stdout.flush()


def _revision() -> str:
    """The commit that is run."""
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git made the tree
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    add = parser.add_argument
    add("--full", action="store_true", help="run every shard that is missing")
    add("--suites", nargs="+", choices=SUITES, metavar="SUITE", help="only these")
    add("--jobs", type=int, default=2, help="processes (%(default)s)")
    add("--shards", type=Path, help="where they are kept (default: .build/judge/REVISION)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
