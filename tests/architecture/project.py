"""The project as its tests of architecture read it: sources, template, state machine."""

from __future__ import annotations

import ast
import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parent.parent.parent
LAYER = ROOT / "layers" / "shared"
SLUICE = LAYER / "sluice"
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))
MACHINES = sorted((ROOT / "statemachines").glob("*.asl.yaml"))
TEMPLATE = ROOT / "template.yaml"


def sources(folder: Path) -> list[Path]:
    """Every Python source below `folder`."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


@cache
def parsed(path: Path) -> ast.Module:
    """The source as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> set[str]:
    """Full names of the modules a source imports, inside `TYPE_CHECKING` or not."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), level=0, names=names):
                found |= {module} | {f"{module}.{alias.name}" for alias in names}
            case ast.ImportFrom(level=level) if level:
                found.add("." * level)
    return found


def top(module: str) -> str:
    """The package a module belongs to."""
    return module.partition(".")[0]


def pascal(name: str) -> str:
    """`shift_traffic` as `ShiftTraffic`."""
    return "".join(part.capitalize() for part in name.split("_"))


@cache
def template() -> dict[str, Any]:
    """The template as it is written."""
    read: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return read


@cache
def translated() -> dict[str, Any]:
    """The template as CloudFormation gets it: SAM's shorthands spelled out, offline."""
    shorthand = copy.deepcopy(template())
    for resource in shorthand["Resources"].values():
        for local in ("CodeUri", "ContentUri", "DefinitionUri"):
            if local in resource.get("Properties", {}):
                resource["Properties"][local] = "s3://packaged/code"
    session = boto3.Session(region_name="us-east-1")
    translator = Translator({}, Parser(), boto_session=session)
    spelled_out: dict[str, Any] = translator.translate(shorthand, {})
    return spelled_out


def resources(kind: str, *, of: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Resources of a type in the translated template, or in `of`, by their logical ID."""
    found = (of or translated())["Resources"]
    return {name: one for name, one in found.items() if one["Type"] == kind}


def listed(value: Any) -> list[Any]:
    """CloudFormation takes one or a list of most things; here it is always a list."""
    return value if isinstance(value, list) else [value]


def identity_statements() -> list[tuple[str, dict[str, Any]]]:
    """Every statement of every role's policies, with the role's logical ID."""
    inside = [
        (role, policy)
        for role, resource in resources("AWS::IAM::Role").items()
        for policy in resource["Properties"].get("Policies", [])
    ]
    apart = [
        (role["Ref"], policy["Properties"])
        for policy in resources("AWS::IAM::Policy").values()
        for role in policy["Properties"]["Roles"]
    ]
    return [
        (role, statement)
        for role, policy in [*inside, *apart]
        for statement in listed(policy["PolicyDocument"]["Statement"])
    ]


@cache
def machine(path: Path) -> dict[str, Any]:
    """A state machine's definition."""
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def tasks(path: Path) -> dict[str, dict[str, Any]]:
    """Its task states, by name."""
    states = machine(path)["States"]
    return {name: state for name, state in states.items() if state["Type"] == "Task"}


def following(state: dict[str, Any]) -> set[str]:
    """The states that may come next."""
    after = {state[name] for name in ("Next", "Default") if name in state}
    after |= {choice["Next"] for choice in state.get("Choices", [])}
    return after | {catch["Next"] for catch in state.get("Catch", [])}


def only(kind: str) -> dict[str, Any]:
    """The properties of the one resource of this type in the template."""
    (found,) = resources(kind).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def takes(parameter: str, value: str) -> bool:
    """Whether a parameter of the template may have this value."""
    pattern = template()["Parameters"][parameter]["AllowedPattern"]
    return bool(re.fullmatch(pattern.strip("^$").replace("$|^", "|"), value))
