"""One family of hooks left out, and the tests that use it run until one of them fails."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.localcloud.hooks.suite import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.localcloud.hooks.baseline import Baseline

_FIRST = 12
"""So many are tried before all others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether some test failed without a hook, which, and what it said."""

    hook: str
    missed_by: str
    """A test's id, or nothing."""
    said: str
    users: int
    """How many tests use it."""


def try_without(family: str, baseline: Baseline) -> Finding:
    """Leave the family out and run its users, likeliest first."""
    users = baseline.users_of(family)
    told = {"LOCALCLOUD_WITHOUT": ",".join(sorted(baseline.families[family]))}
    for some in (users[:_FIRST], users[_FIRST:]):
        ended = run(["-x", *some], told) if some else None
        if ended is not None and ended.failed:
            return Finding(family, ended.failed, ended.said, len(users))
    return Finding(family, "", "", len(users))


def note(finding: Finding, folder: Path) -> None:
    """Keep a finding, so that a run that was interrupted can go on."""
    with (folder / "findings.jsonl").open("a") as file:
        file.write(json.dumps(asdict(finding)) + "\n")


def noted(folder: Path) -> Iterator[Finding]:
    """What has been found so far; the last finding about a hook counts."""
    kept = folder / "findings.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    found = {one["hook"]: Finding(**one) for one in map(json.loads, lines)}
    yield from found.values()
