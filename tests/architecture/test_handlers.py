"""A handler is an outline: parse, look, decide, act, record."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.architecture.project import FUNCTIONS, LAYER, parsed

if TYPE_CHECKING:
    from pathlib import Path

MOST_STATEMENTS = 15


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in parsed(path).body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_handler_is_short_and_decides_nothing(path: Path) -> None:
    for function in functions(path):
        nodes = list(ast.walk(function))
        branches = (ast.If, ast.IfExp, ast.Match, ast.For, ast.While)

        assert sum(isinstance(node, ast.stmt) for node in nodes) - 1 <= MOST_STATEMENTS
        assert [node for node in nodes if isinstance(node, branches)] == [], function.name


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_the_handler_is_the_one_lambda_calls_and_logs_with_its_context(path: Path) -> None:
    handlers = [one for one in functions(path) if one.name == "lambda_handler"]

    assert len(handlers) == 1
    decorators = {ast.unparse(one) for one in handlers[0].decorator_list}
    assert decorators == {"logger.inject_lambda_context", "metrics.log_metrics"}
    assert [argument.arg for argument in handlers[0].args.args] == ["event", "context"]


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_every_function_says_in_one_line_what_it_does(path: Path) -> None:
    said = ast.get_docstring(parsed(path))

    assert said
    assert len(said.partition("\n")[0]) > 20


def test_no_two_functions_say_the_same() -> None:
    said = [ast.get_docstring(parsed(path)) for path in FUNCTIONS]

    assert len(set(said)) == len(said)


def test_the_layer_knows_every_service_that_a_function_makes_a_client_for() -> None:
    made = {
        call.args[0].value
        for path in FUNCTIONS
        for call in ast.walk(parsed(path))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"client", "client_later"}
        if isinstance(call.args[0], ast.Constant)
    }
    makefile = (LAYER / "Makefile").read_text(encoding="utf-8")
    (kept,) = re.findall(r"^SERVICES = (.*)$", makefile, re.MULTILINE)

    assert made == set(kept.split())
