"""The canary judge against the rules that others deploy with, on simulated services.

`--quick` takes a minute or two and says whether the judge has become worse. `--full` runs every
scenario, 4,000 rollouts each, into shards under `.build/judge/`; stopped, it goes on where it was.
`--collect` turns the shards into `benchmarks/results/judge.json`, `--render` puts it on the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.judge.ours import milliseconds
from benchmarks.judge.plots import plots
from benchmarks.judge.quick import failures, watched
from benchmarks.judge.results import FILE, collect, dump, read
from benchmarks.judge.shards import missing, run_all
from benchmarks.judge.suites import SUITES, in_turn
from benchmarks.judge.tables import write_into

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE, IMAGES = ROOT / "docs" / "judge.md", ROOT / "docs" / "images"


def main() -> int:
    """Run what is asked for."""
    options = _parser().parse_args()
    revision = options.revision or _revision()
    folder = options.shards or ROOT / ".build" / "judge" / revision
    if options.full:
        _full(folder, options.suites or SUITES, options.jobs)
    if options.collect:
        results = collect(folder, revision, milliseconds())
        FILE.write_text(json.dumps(dump(results), indent=1) + "\n")
    if options.render:
        _render()
    return _quick(options.jobs) if options.quick else 0


def _quick(jobs: int) -> int:
    lines = failures(watched(), jobs)
    sys.stdout.writelines(f"{line}\n" for line in lines or ["nothing is worse than it may be"])
    return 1 if lines else 0


def _render() -> None:
    results = read()
    write_into(PAGE, results)
    IMAGES.mkdir(exist_ok=True)
    for name, plot in plots(results).items():
        (IMAGES / name).write_text(plot)


def _full(folder: Path, suites: Sequence[str], jobs: int) -> None:
    todo = missing(folder, in_turn(suites))
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
    add(
        "--quick",
        action="store_true",
        help="400 rollouts each, fails if one is worse than it may be",
    )
    add("--full", action="store_true", help="run every shard that is missing")
    add("--suites", nargs="+", choices=SUITES, metavar="SUITE", help="only these")
    add("--jobs", type=int, default=2, help="processes (%(default)s)")
    add("--collect", action="store_true", help="write benchmarks/results/judge.json")
    add("--render", action="store_true", help="put the results on docs/judge.md")
    add("--revision", help="whose shards (default: the one checked out)")
    add("--shards", type=Path, help="where they are kept (default: .build/judge/REVISION)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
