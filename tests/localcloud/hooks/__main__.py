"""`python -m tests.localcloud.hooks`: leave out each hook, and see which contract test fails.

Each file of contract tests runs once undisturbed, and the calls of every hook are counted by test.
Then one hook after the other is left out of the local cloud, and the tests that called it are run
until one fails. A hook that nobody misses is either not needed or not tested: the exit code is 1,
and the table names it.

It takes the better part of an hour, and is no part of `make test`. What was found is kept in
`--folder`: a run that ended before it was done goes on where it stood.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.localcloud.hooks.baseline import ALL, run_baseline
from tests.localcloud.hooks.results import write_result
from tests.localcloud.hooks.trials import note, noted, try_without

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localcloud.hooks.baseline import Baseline
    from tests.localcloud.hooks.trials import Finding

_console = Console(width=160)
_DONE, _MISSED_BY_NOBODY, _TIME_IS_UP = 0, 1, 3


def main() -> int:
    """Try every hook; 0 only if each one is missed by some test, 3 when time was up before."""
    arguments = _arguments()
    until = time.monotonic() + arguments.minutes * 60

    def goes_on() -> bool:
        return time.monotonic() < until

    baseline = run_baseline(arguments.folder, arguments.files, goes_on)
    if baseline is None or not _try_all(arguments, baseline, goes_on):
        _console.print("time is up; run it again to go on")
        return _TIME_IS_UP
    findings = [one for one in noted(arguments.folder) if arguments.only in one.hook]
    findings.sort(key=lambda one: one.hook)
    _console.print(_table(findings))
    if not arguments.only and arguments.files == ALL:
        _console.print(f"written: {write_result(findings, baseline.failed)}")
    missed = findings and all(one.missed_by for one in findings)
    return _DONE if missed else _MISSED_BY_NOBODY


def _try_all(
    arguments: argparse.Namespace, baseline: Baseline, goes_on: Callable[[], bool]
) -> bool:
    """Try what has not been missed yet; whether there was time for all."""
    known = {one.hook for one in noted(arguments.folder) if one.missed_by or not arguments.again}
    for family in sorted(baseline.families):
        untold = arguments.files != ALL and not baseline.users_of(family)
        if family in known or untold or arguments.only not in family:
            continue
        if not goes_on():
            return False
        found = try_without(family, baseline)
        note(found, arguments.folder)
        _console.print(f"{family}: {found.missed_by or 'MISSED BY NOBODY'}", soft_wrap=True)
    return True


def _table(findings: list[Finding]) -> Table:
    table = Table("hook", "users", "missed by", title="Every hook, left out")
    for one in findings:
        by = one.missed_by.rpartition("::")[2] or "[red]nobody[/red]"
        table.add_row(one.hook.removeprefix("localcloud."), str(one.users), by)
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.localcloud.hooks", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=ALL, help="of contract tests")
    parser.add_argument("--only", default="", help="only hooks whose label contains this")
    parser.add_argument("--again", action="store_true", help="try again those nobody missed")
    parser.add_argument("--minutes", type=float, default=240, help="after which nothing is begun")
    parser.add_argument("--folder", type=Path, default=Path(".build/hooks"), help="(.build/hooks)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
