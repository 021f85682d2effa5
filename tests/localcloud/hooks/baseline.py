"""Which contract test calls which hook: each file of them run once, undisturbed."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.localcloud.hooks import counting
from tests.localcloud.hooks.suite import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ALL = tuple(sorted(Path("tests/localcloud").glob("test_*.py")))


@dataclass(slots=True)
class Baseline:
    """What was counted."""

    families: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The labels of the hooks that stand or fall together, by the first."""
    calls: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Family to test to the number of calls."""
    tests: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    """Tests that failed with every hook in place; they prove nothing."""

    def users_of(self, family: str) -> list[str]:
        """Who may miss a family: those that called it, the busiest of its subsystem first.

        After them the others of its subsystem and of the server: values are not called, and nobody
        counts in a process that a test starts for itself.
        """
        own = _words(family) | {"server"}
        calls = self.calls.get(family, {})
        near = [test for test in self.tests if own & set(_stem(test).split("_"))]
        likeliest_first = sorted(
            {*calls, *near},
            key=lambda test: (test not in calls, test not in near, -calls.get(test, 0), test),
        )
        return [test for test in likeliest_first if test not in self.failed]

    def add(self, noted: Mapping[str, Any]) -> None:
        """Take up what was noted of one test or of one session."""
        self.failed |= set(noted.get("failed", ()))
        if "test" not in noted:
            return
        self.tests.add(noted["test"])
        for label, family in noted["families"].items():
            self.families[family].add(label)
            if label in noted["calls"]:
                so_far = self.calls[family].get(noted["test"], 0)
                self.calls[family][noted["test"]] = so_far + noted["calls"][label]


def run_baseline(
    folder: Path, files: Sequence[Path], goes_on: Callable[[], bool]
) -> Baseline | None:
    """Run each file that has not been run into `folder`; None when time was up before all had."""
    counts = folder / "counts"
    counts.mkdir(parents=True, exist_ok=True)
    for file in files:
        noted = counts / f"{file.stem}.jsonl"
        if noted.exists():
            continue
        if not goes_on():
            return None
        _count(file, noted)
    kept = (counts / f"{file.stem}.jsonl" for file in files)
    return baseline_of([line for one in kept for line in one.read_text().splitlines()])


def baseline_of(lines: Iterable[str]) -> Baseline:
    """What the plugin wrote down."""
    found = Baseline()
    for line in lines:
        found.add(json.loads(line))
    return found


def _count(file: Path, noted: Path) -> None:
    unfinished = noted.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    told = {counting.COUNTS: str(unfinished), "LOCALCLOUD_COUNT_HOOKS": "1"}
    run(["-p", counting.__name__, str(file)], told)
    unfinished.rename(noted)


def _words(family: str) -> set[str]:
    """What the names of the files that test a subsystem hold of its module's name."""
    module = family.partition(":")[0].split(".")
    return {part for name in module[1:] for part in (name, name + "s", name.rstrip("s"))}


def _stem(test: str) -> str:
    return Path(test.partition("::")[0]).stem
