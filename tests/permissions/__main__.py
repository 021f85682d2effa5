"""`python -m tests.permissions`: for each role of the stack, remove each action it is allowed.

The end-to-end tests run once as they are, on a local cloud that enforces IAM; its log of calls says
which test made which role use which action. Then one action after the other is taken out of its
role's policy, and the shortest tests that used it must fail. An action that no test uses, or that
nobody misses, is allowed in vain: the exit code is 1, and the table names it.

It takes the better part of an hour on two cores, and is no part of `make test`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.permissions.baseline import Baseline, run_baseline
from tests.permissions.removal import Allowed, Finding, allowed_actions, try_without
from tests.permissions.results import write_result
from tests.permissions.suite import attached_stack

_console = Console(width=110)


def main() -> int:
    """Try every action; 0 only if each one is missed by some test."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        baseline = run_baseline(Path(folder) / "baseline", _console.print)
        findings = [
            finding
            for role in baseline.roles
            if not arguments.role or arguments.role in role
            for finding in _of_role(Path(folder) / role, role, baseline)
        ]
    _console.print(_table(findings))
    if not arguments.role:
        _console.print(f"written: {write_result(findings)}")
    return 0 if findings and all(finding.missed for finding in findings) else 1


def _of_role(folder: Path, role: str, baseline: Baseline) -> list[Finding]:
    """One cloud a role: what a broken rollout leaves behind must not burden the next ones."""
    findings = []
    with attached_stack(folder) as stack:
        actions = allowed_actions(stack, role)
        for number, allowed in enumerate(actions, start=1):
            finding = try_without(stack, folder, allowed, baseline.users_of(role, allowed.action))
            _console.print(f"{role} {number}/{len(actions)} {_said(allowed, finding)}")
            findings.append(finding)
    return findings


def _said(allowed: Allowed, finding: Finding) -> str:
    mark = "missed by" if finding.missed else "NOT MISSED:"
    return f"{allowed.sid}/{allowed.action} {mark} {finding.test or 'no test uses it'}"


def _table(findings: list[Finding]) -> Table:
    table = Table("role", "statement", "action", "missed by", title="Every allowed action, removed")
    for finding in findings:
        by = finding.test.rpartition("::")[2] if finding.missed else "[red]nobody[/red]"
        table.add_row(finding.role, finding.sid, finding.action, by)
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.permissions", description=__doc__)
    parser.add_argument("--role", default="", help="only roles whose logical id contains this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
