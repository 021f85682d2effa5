"""The stack is deployed by stock `sam`: what it is asked to do, and never with own credentials.

Ours: how the local cloud calls `sam deploy`
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from localcloud import stack

if TYPE_CHECKING:
    from pathlib import Path

SAM = """#!/usr/bin/env python3
import json, os, sys
asked = {"arguments": sys.argv[1:], "environment": dict(os.environ)}
open(os.environ["ASKED"], "w", encoding="utf-8").write(json.dumps(asked))
print("no such bucket")
sys.exit(int(os.environ.get("ENDS", "0")))
"""
ENDPOINT = "http://127.0.0.1:4599"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a `sam` that only remembers writes down what it was asked."""
    command = tmp_path / "sam"
    command.write_text(SAM)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("ASKED", str(tmp_path / "asked.json"))
    return tmp_path / "asked.json"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_parameters_come_beside_those_that_the_stack_has_on_this_machine(asked: Path) -> None:
    stack.deploy(ENDPOINT, ["InfrastructureCommit=9f8d111-dirty"])

    told = read(asked)["arguments"]
    assert told[: told.index("--parameter-overrides")] == ["deploy", "--config-env", "local"]
    assert told[told.index("--parameter-overrides") + 1 :] == [
        "Architecture=x86_64",
        "MinimumBakeMinutes=1",
        "InfrastructureCommit=9f8d111-dirty",
    ]


def test_without_parameters_samconfig_says_them_all(asked: Path) -> None:
    stack.deploy(ENDPOINT)

    assert read(asked)["arguments"] == ["deploy", "--config-env", "local"]


def test_a_profile_of_the_person_is_left_out_of_it(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/home/ana/.aws/config")

    stack.deploy(ENDPOINT)

    told = read(asked)["environment"]
    assert told["AWS_CONFIG_FILE"] == told["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert told["AWS_ENDPOINT_URL"] == ENDPOINT


def test_what_sam_printed_is_the_error(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDS", "1")

    with pytest.raises(stack.DeployError, match="no such bucket"):
        stack.deploy(ENDPOINT)
