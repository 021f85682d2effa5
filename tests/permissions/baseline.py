"""Which test makes which role use which action: the end-to-end tests run once, undisturbed."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.permissions import windows
from tests.permissions.suite import SuiteError, attached_stack, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the tests used, and how long each took, in calls."""

    roles: tuple[str, ...]
    """Logical ids."""
    users: dict[tuple[str, str], dict[str, int]]
    """Per role and action: the tests that used it, with the number of calls they saw."""

    def users_of(self, role: str, action: str) -> list[str]:
        """The tests in which the role used the action, shortest first."""
        users = self.users.get((role, action), {})
        return sorted(users, key=users.__getitem__)


def run_baseline(folder: Path, say: Callable[[str], None]) -> Baseline:
    """Run every end-to-end test on a stack of its own. Raises SuiteError unless all pass."""
    with attached_stack(folder) as stack:
        os.environ["SLUICE_CALLS"] = str(stack.calls_log)
        os.environ[windows.WINDOWS] = str(folder / "windows.jsonl")
        say("the end-to-end tests, undisturbed")
        if not run(folder, ["tests/e2e"], "-p", windows.__name__):
            raise SuiteError((folder / "last-run.log").read_text())
        return _read(stack, folder)


def _read(stack: Stack, folder: Path) -> Baseline:
    names = {
        physical: logical
        for logical, physical in stack.resources.items()
        if logical.endswith("Role")
    }
    calls = [json.loads(line) for line in stack.calls_log.read_text().splitlines()]
    users: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for line in (folder / "windows.jsonl").read_text().splitlines():
        window = json.loads(line)
        length = window["ended"] - window["began"]
        for call in calls[window["began"] : window["ended"]]:
            role = names.get(_role_name(call["principal"] or ""))
            if role and call["allowed"]:
                users[role, call["action"]][window["test"]] = length
    return Baseline(tuple(sorted(names.values())), dict(users))


def _role_name(principal: str) -> str:
    session = re.search(r":assumed-role/([^/]+)/", principal)
    return session[1] if session else principal.rpartition("/")[2]
