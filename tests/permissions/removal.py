"""One action out of one statement of one role, and back again."""

from __future__ import annotations

import contextlib
import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.permissions.suite import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.stack import Stack

_SLACK_SECONDS = "12"
_TRIES = 3
"""How many of the tests that use an action may pass without it before it counts as not missed."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One action that a role's policy allows."""

    role: str
    physical: str
    policy: str
    sid: str
    action: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether some test failed without the action, and which."""

    role: str
    sid: str
    action: str
    missed: bool
    test: str


def allowed_actions(stack: Stack, role: str) -> list[Allowed]:
    """Every action that the deployed role allows, statement by statement."""
    iam, physical = stack.client("iam"), stack.resources[role]
    found = []
    for policy in iam.list_role_policies(RoleName=physical)["PolicyNames"]:
        for statement in _document(stack, physical, policy)["Statement"]:
            for action in _actions(statement):
                found.append(Allowed(role, physical, policy, statement["Sid"], action))
    return found


def try_without(stack: Stack, folder: Path, allowed: Allowed, tests: list[str]) -> Finding:
    """Take the action away and run the shortest of `tests`, until one fails."""
    with _without(stack, allowed):
        for test in tests[:_TRIES]:
            if not run(folder, [test], slack=_SLACK_SECONDS):
                return Finding(allowed.role, allowed.sid, allowed.action, missed=True, test=test)
    return Finding(
        allowed.role, allowed.sid, allowed.action, missed=False, test=", ".join(tests[:_TRIES])
    )


@contextlib.contextmanager
def _without(stack: Stack, allowed: Allowed) -> Iterator[None]:
    before = _document(stack, allowed.physical, allowed.policy)
    after = copy.deepcopy(before)
    for statement in after["Statement"]:
        if statement["Sid"] == allowed.sid:
            statement["Action"] = [one for one in _actions(statement) if one != allowed.action]
    after["Statement"] = [statement for statement in after["Statement"] if statement["Action"]]
    _put(stack, allowed, after)
    try:
        yield
    finally:
        _put(stack, allowed, before)


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


def _actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)
