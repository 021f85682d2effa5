"""Recipes for pipelines are what GitHub and GitLab take, and no page names a command amiss."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse

from cli.__main__ import parser_of_commands
from tests.architecture.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CI = ROOT / "examples" / "ci"
GITHUB, GITLAB, ROLE = CI / "github-actions.yml", CI / "gitlab-ci.yml", CI / "push-role.yaml"
TELLING = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("README.md")),
    GITHUB,
    GITLAB,
)
_BLOCK = re.compile(r"^ *```(?:bash|sh)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:bin/)?sluice [^`]+)`")
_SLUICE = re.compile(r"\S*bin/sluice|sluice")
_ENDS = re.compile(r"[|&;<>]+")
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
WORKFLOW = {"name", "on", "permissions", "env", "jobs"}
JOB = {"needs", "runs-on", "timeout-minutes", "steps"}
STEP = {"name", "id", "uses", "with", "run", "shell", "env"}
# https://docs.gitlab.com/ci/yaml
GITLAB_JOB = {
    *("extends", "stage", "timeout", "script", "image", "rules"),
    *("id_tokens", "variables", "before_script"),
}


def read(path: Path) -> dict[Any, Any]:
    """A recipe; YAML 1.1 takes its `on` for a truth."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if name is True else name: value for name, value in found.items()}


def commands(path: Path) -> list[list[str]]:
    """The arguments of every `sluice …` that a page or a recipe has somebody type."""
    text = path.read_text(encoding="utf-8")
    shells = [*_BLOCK.findall(text), *_INLINE.findall(text)] if path.suffix == ".md" else [text]
    return [found for shell in shells for line in _lines(shell) for found in _called(line)]


def _lines(shell: str) -> list[str]:
    lines = shell.replace("\\\n", " ").splitlines()
    return [line.partition("run: ")[2] or line.strip().removeprefix("- ") for line in lines]


def _called(line: str) -> Iterator[list[str]]:
    if "sluice " not in line or line.startswith("#"):
        return
    plain = re.sub(r"\$\([^)]*\)", "SUBSTITUTED", line)
    reader = shlex.shlex(plain, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    words = list(reader)
    for at, word in enumerate(words):
        begins = at == 0 or _ENDS.fullmatch(words[at - 1])
        if begins and _SLUICE.fullmatch(word):
            rest = words[at + 1 :]
            end = next((n for n, one in enumerate(rest) if _ENDS.fullmatch(one)), len(rest))
            yield [one.strip("[]") for one in rest[:end]]


@pytest.mark.parametrize("path", TELLING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_told_is_one(path: Path) -> None:
    known = parser_of_commands()
    for words in commands(path):
        if len(words) > 1:
            known.parse_args(words)
        else:
            with pytest.raises(SystemExit) as ended:
                known.parse_args([*words, "--help"])
            assert ended.value.code == 0, words


def test_there_are_commands_to_hold_to_that() -> None:
    for recipe in (GITHUB, GITLAB):
        told = [words[0] for words in commands(recipe)]
        assert told == ["push", "wait", "wait"], recipe
    assert len(commands(ROOT / "README.md")) >= 5
    assert len(commands(ROOT / "examples" / "assistant" / "README.md")) >= 4


def test_the_workflow_has_the_keys_that_github_knows() -> None:
    recipe = read(GITHUB)

    assert set(recipe) == WORKFLOW
    assert set(recipe["on"]) == {"push"}
    assert recipe["permissions"] == {"contents": "read", "id-token": "write"}
    for name, job in recipe["jobs"].items():
        assert set(job) <= JOB, name
        assert job.get("needs", "push") in recipe["jobs"]
        for step in job["steps"]:
            assert set(step) <= STEP, step
            assert ("uses" in step) != ("run" in step), step
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step


def test_the_pipeline_has_the_keys_that_gitlab_knows() -> None:
    recipe = read(GITLAB)
    jobs = {name: job for name, job in recipe.items() if name not in {"stages", "variables"}}

    for name, job in jobs.items():
        assert set(job) <= GITLAB_JOB, name
        assert job.get("extends", ".sluice") in jobs
        assert job.get("stage", "push") in recipe["stages"]
    assert [job["stage"] for job in jobs.values() if "stage" in job] == recipe["stages"]


def test_who_waits_for_a_person_keeps_no_push_waiting() -> None:
    """A job would hold its group for hours.

    GitHub cancels all but the newest that wait for one (Control the concurrency of workflows).
    """
    jobs = [read(GITHUB), *read(GITHUB)["jobs"].values(), *read(GITLAB).values()]

    assert not [job for job in jobs if {"concurrency", "resource_group"} & set(job)]


def test_both_wait_no_longer_than_their_job_lasts() -> None:
    minutes = {
        GITHUB: [job["timeout-minutes"] for job in read(GITHUB)["jobs"].values()],
        GITLAB: [30, 720, 720],
    }
    timeouts = {"30 minutes", "12 hours"}
    assert {job["timeout"] for job in read(GITLAB).values() if "timeout" in job} == timeouts
    for recipe, lasts in minutes.items():
        waits = [float(words[words.index("--timeout") + 1]) for words in commands(recipe)]
        assert all(wait < job for wait, job in zip(waits, lasts, strict=True)), recipe


def test_the_role_may_do_what_the_page_says_and_no_more() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    role = yaml_parse(ROLE.read_text(encoding="utf-8"))["Resources"]["PushRole"]
    statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {
        action.partition(":")[2]
        for one in statements
        for action in (one["Action"] if isinstance(one["Action"], list) else [one["Action"]])
    }

    table = page.partition("## What the role may do")[2].split("```")[1]
    told = {name for name in allowed if name in table}
    assert told == allowed
    assert len(re.findall(r"[a-z0-9]+:[A-Z]\w+", table)) + 1 == len(allowed)  # GetItem, Query
