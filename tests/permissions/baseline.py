"""Which test makes which role use which action: the end-to-end tests run once, undisturbed."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.permissions import windows
from tests.permissions.lanes import LANES, in_lanes
from tests.permissions.suite import attached_stack, collected, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.e2e.stack import Stack


_RANDOM = re.compile(
    r"(?<=[a-z])-[0-9a-f]{12,13}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE
)
"""What makes the names of one stack's resources differ from another's."""
_LINES = re.compile(r"\b[a-z]+-[0-9a-f]{8}\b")
"""Lines of versions in a resource's name; what earlier tests left behind proves nothing later."""


@dataclass(frozen=True, slots=True)
class Use:
    """A role used an action on a resource while a test ran."""

    role: str
    action: str
    resource: str
    test: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the tests used, and when."""

    seconds: dict[Use, list[float]]
    """How far into the test, in seconds of the cloud, each use came, however often."""
    failed: tuple[str, ...]
    """Tests that failed with nothing removed; they prove nothing."""

    def users_of(self, role: str, action: str, resources: Sequence[str]) -> list[str]:
        """The tests in which the role used the action on any of these, earliest use first.

        Those that used it much less often than others come last: what a schedule does in some test
        or other, it may not do there again.
        """
        found = defaultdict[str, list[float]](list)
        for use, seconds in self.seconds.items():
            if (use.role, use.action) == (role, action) and _matches(use.resource, resources):
                found[use.test] += seconds
        most = max(map(len, found.values()), default=0)
        return sorted(found, key=lambda test: (2 * len(found[test]) < most, min(found[test])))


def run_baseline(folder: Path, named: Sequence[str]) -> Baseline:
    """Run the tests that are named, spread over as many stacks as there are lanes."""
    tests = collected(named)
    shares = [(folder / f"share-{lane}", tests[lane::LANES]) for lane in range(LANES)]
    found = list(in_lanes(_run_share, shares))
    seconds = {use: when for share in found for use, when in share.seconds.items()}
    return Baseline(seconds, tuple(test for share in found for test in share.failed))


def _run_share(folder: Path, tests: list[str]) -> Baseline:
    with attached_stack(folder) as stack:
        noted = folder / "windows.jsonl"
        os.environ |= {windows.CALLS: str(stack.calls_log), windows.WINDOWS: str(noted)}
        run(folder, tests, "-p", windows.__name__)
        ran = [json.loads(line) for line in noted.read_text().splitlines()]
        failed = tuple(one["test"] for one in ran if not one["passed"])
        return Baseline(_all_uses(stack, [one for one in ran if one["passed"]]), failed)


def _all_uses(stack: Stack, ran: Iterable[dict[str, Any]]) -> dict[Use, list[float]]:
    roles = {physical: logical for logical, physical in stack.resources.items()}
    calls = [json.loads(line) for line in stack.calls_log.read_text().splitlines()]
    found = defaultdict[Use, list[float]](list)
    left: set[str] = set()
    for window in ran:
        during = calls[window["began"] : window["ended"]]
        for use, seconds in _uses(during, window["test"], roles):
            if not left & set(_LINES.findall(use.resource)):
                found[use].append(seconds)
        left |= {line for call in during for line in _LINES.findall(call["resource"] or "")}
    return found


def _uses(
    calls: list[dict[str, Any]], test: str, roles: dict[str, str]
) -> Iterator[tuple[Use, float]]:
    for call in calls:
        role = roles.get(role_name(call["principal"] or ""))
        if role and call["allowed"]:
            later = datetime.fromisoformat(call["time"]) - datetime.fromisoformat(calls[0]["time"])
            yield Use(role, call["action"], call["resource"] or "*", test), later.total_seconds()


def role_name(principal: str) -> str:
    """The physical name of the role that a principal's ARN means."""
    session = re.search(r":assumed-role/([^/]+)/", principal)
    return session[1] if session else principal.rpartition("/")[2]


def _matches(resource: str, patterns: Sequence[str]) -> bool:
    anonymous = _RANDOM.sub("", resource)
    return resource == "*" or any(
        fnmatch.fnmatchcase(anonymous, _RANDOM.sub("", one)) for one in patterns
    )
