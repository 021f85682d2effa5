"""What the contract tests of the local cloud stand on, read off their docstrings.

Each module names its grounds, one a line: `AWS:` a page of docs.aws.amazon.com, `Model:` an
operation of botocore's service models, or `Ours:` what is no claim about AWS. `python -m
tests.architecture.grounds` writes them into docs/localcloud.md.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.architecture.project import ROOT, parsed

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "localcloud.md"
KINDS = ("AWS", "Model", "Ours")
_BEGINS, _ENDS = "<!-- contract tests: begin -->\n", "<!-- contract tests: end -->\n"
_GROUND = re.compile(r"^(AWS|Model|Ours): (\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Contract:
    """One module of contract tests."""

    path: Path
    says: str
    """The first line of its docstring."""
    grounds: tuple[tuple[str, str], ...]
    tests: int


def contracts() -> list[Contract]:
    """Every module of contract tests, by name."""
    return [_contract(path) for path in sorted((ROOT / "tests" / "localcloud").glob("test_*.py"))]


def _contract(path: Path) -> Contract:
    tree = parsed(path)
    told = ast.get_docstring(tree) or ""
    tests = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    grounds = tuple((found[1], found[2]) for found in _GROUND.finditer(told))
    return Contract(path, told.partition("\n")[0], grounds, len(tests))


def table() -> str:
    """The contract tests as the page shows them."""
    rows = ["| tests | what they hold | on what ground |", "|---|---|---|"]
    for one in contracts():
        name = one.path.stem.removeprefix("test_")
        rows.append(f"| `{name}` ({one.tests}) | {one.says} | {_shown(one)} |")
    return "\n".join(rows) + "\n"


def _shown(one: Contract) -> str:
    pages = [_page(where) for kind, where in one.grounds if kind == "AWS"]
    models = [f"`{where}`" for kind, where in one.grounds if kind == "Model"]
    ours = [f"ours: {where}" for kind, where in one.grounds if kind == "Ours"]
    return ", ".join([*pages, *models, *ours])


def _page(where: str) -> str:
    name = where.rpartition("/")[2].removesuffix(".html")
    return f"[{name}](https://docs.aws.amazon.com/{where})"


def shown() -> str:
    """What the page shows now."""
    return PAGE.read_text().partition(_BEGINS)[2].partition(_ENDS)[0]


def main() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text().partition(_BEGINS)
    PAGE.write_text(before + _BEGINS + table() + _ENDS + rest.partition(_ENDS)[2])


if __name__ == "__main__":
    main()
