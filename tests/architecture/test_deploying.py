"""`make deploy` tells the stack the commit that it is deployed from, or that there is none."""

from __future__ import annotations

import os
import re
import subprocess

from tests.architecture.project import ROOT


def told(**environment: str) -> str:
    """The commit that `make deploy` would tell."""
    ended = subprocess.run(
        ["make", "--dry-run", "deploy"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = re.findall(r"InfrastructureCommit=(\S+)", ended.stdout)
    return str(found)


def test_a_stack_is_told_the_commit_of_the_tree() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    commit = told()

    if head.returncode:
        assert commit == "unknown"
    else:
        assert commit.removesuffix("-dirty") == head.stdout.strip()


def test_without_a_repository_the_commit_is_unknown() -> None:
    assert told(GIT_DIR=os.devnull) == "unknown"
