"""One action out of one statement of one role, and back again."""

from __future__ import annotations

import contextlib
import copy
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tests.architecture.needs import complaints, statements_of
from tests.permissions.baseline import role_name
from tests.permissions.suite import attached_stack, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.stack import Stack
    from tests.permissions.baseline import Baseline

_console = Console(width=140)
_SLACK_SECONDS = "12"
_TRIES = 2
"""How many of the tests that use an action may pass without it before the sources are read."""
_READING = (
    "tests/architecture/test_permissions.py::test_a_role_allows_every_call_its_code_can_make[{}]"
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One action that a role's policy allows."""

    role: str
    physical: str
    policy: str
    sid: str
    action: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the actions that a role is allowed, each beside the Sid of its statement."""

    role: str
    actions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether some test failed without the action, and which."""

    role: str
    sid: str
    action: str
    missed_by: str
    """A test's id, or nothing."""
    passed: tuple[str, ...] = ()
    """End-to-end tests that use the action and passed without it."""
    untried: bool = False
    """Whether time was up before any that uses it could run."""


def findings_of(folder: Path, share: Share, baseline: Baseline, until: float) -> list[Finding]:
    """Take each action of a share away in turn; after `until` only the sources are read.

    One cloud a share: what a broken rollout leaves behind must not burden the others.
    """
    found, role = [], share.role
    with attached_stack(folder) as stack:
        actions = [
            one for one in _allowed_actions(stack, role) if (one.sid, one.action) in share.actions
        ]
        for number, allowed in enumerate(actions, start=1):
            users = baseline.users_of(role, allowed.action, allowed.resources)
            late = bool(users) and time.time() > until
            finding = _try_without(stack, folder, allowed, [] if late else users)
            found.append(replace(finding, untried=late))
            said = f"{allowed.sid}/{allowed.action}: {finding.missed_by or 'MISSED BY NOBODY'}"
            _console.print(
                f"{role} {number}/{len(actions)} {said}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
    return found


def _allowed_actions(stack: Stack, role: str) -> list[Allowed]:
    iam, physical = stack.client("iam"), stack.resources[role]
    return [
        Allowed(role, physical, policy, one["Sid"], action, tuple(_listed(one["Resource"])))
        for policy in iam.list_role_policies(RoleName=physical)["PolicyNames"]
        for one in _document(stack, physical, policy)["Statement"]
        for action in _listed(one["Action"])
    ]


def _try_without(stack: Stack, folder: Path, allowed: Allowed, tests: list[str]) -> Finding:
    """Run the tests that used the action soonest; if none of them misses it, read the sources."""
    passed: list[str] = []
    with _without(stack, allowed):
        for test in tests[:_TRIES]:
            since = stack.calls_log.stat().st_size
            failed = not run(folder, [test], "-x", slack=_SLACK_SECONDS)
            if failed and _was_denied(stack, allowed, since):
                return Finding(allowed.role, allowed.sid, allowed.action, test, tuple(passed))
            passed.append(test)
    by = _READING.format(allowed.role) if _misses(allowed) else ""
    return Finding(allowed.role, allowed.sid, allowed.action, by, tuple(passed))


def _was_denied(stack: Stack, allowed: Allowed, since: int) -> bool:
    """Whether the role was refused this very action: a test may fail for other reasons."""
    denied, _ = stack.denials(since)
    return any(
        (role_name(call["principal"] or ""), call["action"]) == (allowed.physical, allowed.action)
        for call in denied
    )


def _misses(allowed: Allowed) -> bool:
    """Whether the test that reads the sources complains of the policy without the action."""
    statements = _stripped(statements_of(allowed.role), allowed)
    return any(f"needs {allowed.action}" in one for one in complaints(allowed.role, statements))


@contextlib.contextmanager
def _without(stack: Stack, allowed: Allowed) -> Iterator[None]:
    before = _document(stack, allowed.physical, allowed.policy)
    statements = [one for one in _stripped(before["Statement"], allowed) if one["Action"]]
    _put(stack, allowed, {**before, "Statement": statements})
    try:
        yield
    finally:
        _put(stack, allowed, before)


def _stripped(statements: list[dict[str, Any]], allowed: Allowed) -> list[dict[str, Any]]:
    """The statements without the action where it is allowed."""
    after = copy.deepcopy(statements)
    for one in after:
        if one["Sid"] == allowed.sid:
            one["Action"] = [
                action for action in _listed(one["Action"]) if action != allowed.action
            ]
    return after


def _put(stack: Stack, allowed: Allowed, document: dict[str, Any]) -> None:
    stack.client("iam").put_role_policy(
        RoleName=allowed.physical,
        PolicyName=allowed.policy,
        PolicyDocument=json.dumps(document),
    )


def _document(stack: Stack, role: str, policy: str) -> dict[str, Any]:
    found = stack.client("iam").get_role_policy(RoleName=role, PolicyName=policy)
    document = found["PolicyDocument"]
    parsed: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    return parsed


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
