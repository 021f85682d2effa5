"""Who may know whom."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest

from tests.architecture.project import (
    FUNCTIONS,
    ROOT,
    SLUICE,
    imports,
    parsed,
    sources,
    top,
)

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = sources(SLUICE / "domain")
LAYER = sources(SLUICE)
HOMELESS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOMAIN, ids=name)
def test_the_domain_knows_the_standard_library_pydantic_and_itself(path: Path) -> None:
    foreign = {
        module
        for module in imports(path)
        if top(module) not in sys.stdlib_module_names | {"pydantic"}
        and not f"{module}.".startswith("sluice.domain.")
        and module != "sluice"
    }

    assert foreign == set()


@pytest.mark.parametrize("path", DOMAIN, ids=name)
def test_the_domain_knows_no_clock_environment_chance_or_file(path: Path) -> None:
    unpure = {"os", "time", "random", "socket", "pathlib", "logging", "subprocess", "threading"}
    assert {top(module) for module in imports(path)} & unpure == set()

    calls = {
        ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)
    }
    assert {one for one in calls if one.endswith((".now", ".utcnow", ".today"))} == set()
    assert calls & {"open", "print"} == set()


@pytest.mark.parametrize("path", FUNCTIONS, ids=name)
def test_functions_know_the_layer_and_not_each_other(path: Path) -> None:
    allowed = {"__future__", "typing", "sluice", "aws_lambda_powertools"}

    assert {top(module) for module in imports(path)} <= allowed


@pytest.mark.parametrize("folder", ["localcloud", "demo"])
def test_what_runs_the_stack_does_not_know_what_it_runs(folder: str) -> None:
    for path in sources(ROOT / folder):
        assert "sluice" not in {top(module) for module in imports(path)}, name(path)


@pytest.mark.parametrize("path", LAYER, ids=name)
def test_the_layer_does_not_know_where_it_runs(path: Path) -> None:
    outside = {"localcloud", "demo", "cli", "tests", "functions", "moto", "ministack", "benchmarks"}

    assert {top(module) for module in imports(path)} & outside == set()


@pytest.mark.parametrize("path", [*LAYER, *FUNCTIONS], ids=name)
def test_nothing_is_imported_that_slows_every_cold_start(path: Path) -> None:
    slow = {
        "aws_lambda_powertools.Tracer",
        "aws_lambda_powertools.tracing",
        "aws_lambda_powertools.utilities.idempotency",
        "aws_lambda_powertools.utilities.parser",
        "aws_xray_sdk",
    }

    assert {
        one for one in imports(path) for bad in slow if f"{one}.".startswith(f"{bad}.")
    } == set()


@pytest.mark.parametrize("path", LAYER, ids=name)
def test_only_functions_read_the_environment_and_make_clients(path: Path) -> None:
    called = {
        ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)
    }
    names = {
        ast.unparse(node) for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)
    }

    assert called & {"Settings.from_env", "client", "boto3.client", "boto3.resource"} == set()
    if path.name != "settings.py":
        assert names & {"os.environ", "os.getenv"} == set()
    if path.name != "session.py":
        assert "boto3" not in imports(path)


@pytest.mark.parametrize("path", LAYER, ids=name)
def test_time_comes_from_the_event_never_from_the_wall_clock(path: Path) -> None:
    called = {
        ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)
    }

    assert {one for one in called if one.endswith((".now", ".utcnow", "time.time"))} == set()


def test_an_adapter_does_not_know_the_use_it_is_put_to() -> None:
    for path in sources(SLUICE / "adapters"):
        inside = {one for one in imports(path) if one.startswith("sluice.")}
        allowed = ("sluice.adapters", "sluice.domain")
        assert {one for one in inside if not one.startswith(allowed)} == set(), name(path)


@pytest.mark.parametrize(
    "folder", ["layers/shared/sluice", "cli", "localcloud", "demo", "functions"]
)
def test_every_module_has_a_name_that_says_what_is_in_it(folder: str) -> None:
    homeless = {name(path) for path in sources(ROOT / folder) if path.stem in HOMELESS}

    assert homeless == set()


def test_the_walls_stand_around_something() -> None:
    assert len(DOMAIN) > 15
    assert len(FUNCTIONS) == 10
