"""`python -m tests.permissions`: for each role of the stack, remove each action it is allowed.

The end-to-end tests run once as they are, on local clouds that enforce IAM; the logs of calls say
which test made which role use which action. Then one action after the other is taken out of its
role's policy, and a test that used it must fail because the role was denied it. An action that no
such test misses must be missed by the test that reads the sources. One that nobody misses is
allowed in vain: the exit code is 1, and the table names it. What no result knows yet goes first.

It takes about half an hour on two cores, and is no part of `make test`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import batched
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.architecture.needs import statements_of
from tests.architecture.project import listed, resources
from tests.permissions.baseline import run_baseline
from tests.permissions.lanes import in_lanes
from tests.permissions.removal import Finding, Share, findings_of
from tests.permissions.results import known, write_result

_console = Console(width=140)
_MOST = 12
"""How many actions are tried on one stack: a test takes an application, and there are sixteen."""


def main() -> int:
    """Try every action; 0 only if each one is missed by some test."""
    arguments = _arguments()
    until = time.time() + arguments.minutes * 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _console.print("the end-to-end tests, undisturbed")
        baseline = run_baseline(folder / "baseline", arguments.tests)
        for test in baseline.failed:
            _console.print(f"[red]fails undisturbed, and proves nothing: {test}[/red]")
        tried = [
            (folder / f"trial-{number}", share, baseline, until)
            for number, share in enumerate(_shares(arguments.role))
        ]
        findings = [one for found in in_lanes(findings_of, tried) for one in found]
    findings.sort(key=lambda one: one.role)
    _console.print(_table(findings))
    if not arguments.role:
        _console.print(f"written: {write_result(findings, baseline.failed)}")
    return 0 if findings and all(one.missed_by for one in findings) else 1


def _shares(named: str) -> list[Share]:
    """The actions of each role: new ones first, then roles with most of them: they take longest."""
    before = known()
    roles = [role for role in resources("AWS::IAM::Role") if named in role]
    new = [Share(role, _actions(role) - before.get(role, set())) for role in roles]
    old = [Share(role, _actions(role) & before.get(role, set())) for role in roles]
    ordered = (sorted(shares, key=_size, reverse=True) for shares in (new, old))
    return [
        Share(one.role, frozenset(actions))
        for shares in ordered
        for one in shares
        for actions in batched(sorted(one.actions), _MOST, strict=False)
    ]


def _actions(role: str) -> frozenset[tuple[str, str]]:
    return frozenset(
        (one["Sid"], each) for one in statements_of(role) for each in listed(one["Action"])
    )


def _size(share: Share) -> int:
    return len(share.actions)


def _table(findings: list[Finding]) -> Table:
    table = Table("role", "statement", "action", "missed by", title="Every allowed action, removed")
    for one in findings:
        by = one.missed_by.rpartition("::")[2] or "[red]nobody[/red]"
        table.add_row(one.role, one.sid, one.action, by)
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.permissions", description=__doc__)
    parser.add_argument(
        "tests", nargs="*", default=["tests/e2e"], help="end-to-end tests to prove it with"
    )
    parser.add_argument("--role", default="", help="only roles whose logical id contains this")
    parser.add_argument(
        "--minutes", type=float, default=120, help="after which only the sources are read"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
