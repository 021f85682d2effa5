"""One name everywhere: folder, function, role, state, tests."""

from __future__ import annotations

import pytest

from tests.architecture.project import (
    FUNCTIONS,
    MACHINES,
    ROOT,
    machine,
    pascal,
    resources,
    tasks,
    template,
)

FOLDERS = [path.parent.name for path in FUNCTIONS]
DECLARED = resources("AWS::Serverless::Function", of=template())
TASK_FUNCTIONS = {"PrepareRollout", "ShiftTraffic", "SettleRollout"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_is_called_like_its_folder(folder: str) -> None:
    function = DECLARED[f"{pascal(folder)}Function"]

    assert function["Properties"]["CodeUri"] == f"functions/{folder}/"


@pytest.mark.parametrize("folder", FOLDERS)
def test_its_role_is_called_like_it(folder: str) -> None:
    role = DECLARED[f"{pascal(folder)}Function"]["Properties"]["Role"]

    assert role == {"Fn::GetAtt": [f"{pascal(folder)}Role", "Arn"]}


DEPLOYED_BESIDE = {"register_package": {"evaluation_policy.json"}}
"""What an operator decides by review, and is no code."""


def test_every_declared_function_has_a_folder_with_nothing_but_app_py() -> None:
    assert set(DECLARED) == {f"{pascal(folder)}Function" for folder in FOLDERS}
    for path in FUNCTIONS:
        files = {one.name for one in path.parent.iterdir() if one.name != "__pycache__"}
        beside = DEPLOYED_BESIDE.get(path.parent.name, set())
        assert files == {"app.py"} | beside, path.parent


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_function_has_its_tests(folder: str) -> None:
    assert (ROOT / "tests" / "integration" / f"test_{folder}.py").is_file()


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_a_state_that_invokes_a_function_names_one_that_exists(path: object) -> None:
    invoked = {
        task["Arguments"]["FunctionName"].removeprefix("${").removesuffix("FunctionArn}")
        for task in tasks(path).values()  # type: ignore[arg-type]
        if task["Resource"].endswith("lambda:invoke")
    }

    assert invoked == TASK_FUNCTIONS
    assert {f"{name}Function" for name in invoked} <= set(DECLARED)


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_a_function_called_like_a_state_is_what_the_state_invokes(path: object) -> None:
    for name, task in tasks(path).items():  # type: ignore[arg-type]
        if f"{name}Function" in DECLARED:
            assert task["Arguments"]["FunctionName"] == f"${{{name}FunctionArn}}"


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_everything_the_machine_leaves_open_is_filled_in(path: object) -> None:
    (declared,) = resources("AWS::Serverless::StateMachine", of=template()).values()
    text = (ROOT / declared["Properties"]["DefinitionUri"]).read_text(encoding="utf-8")

    filled = declared["Properties"]["DefinitionSubstitutions"]
    for name in filled:
        assert f"${{{name}}}" in text
    assert machine(path)["StartAt"] in machine(path)["States"]  # type: ignore[arg-type]


def test_the_stack_says_what_each_function_is_for() -> None:
    for name, function in DECLARED.items():
        assert len(function["Properties"]["Description"]) > 20, name
