"""`make deploy` and `make up` tell the stack the commit that it is from, or that there is none."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.architecture.project import ROOT


def told(goal: str, **environment: str) -> str:
    """The commit that `make GOAL` would tell."""
    ended = subprocess.run(
        ["make", "--dry-run", goal],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = re.findall(r"InfrastructureCommit=(\S+)", ended.stdout)
    return str(found)


@pytest.mark.parametrize("goal", ["deploy", "up"])
def test_a_stack_is_told_the_commit_of_the_tree(goal: str) -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    commit = told(goal)

    if head.returncode:
        assert commit == "unknown"
    else:
        assert commit.removesuffix("-dirty") == head.stdout.strip()


@pytest.mark.parametrize("goal", ["deploy", "up"])
def test_without_a_repository_the_commit_is_unknown(goal: str) -> None:
    assert told(goal, GIT_DIR=os.devnull) == "unknown"
