"""What was found, kept beside the proof: one file a run, with date and revision."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.permissions.removal import Finding

_FOLDER = Path(__file__).parent / "results"


def known() -> dict[str, set[tuple[str, str]]]:
    """The actions of each role that some result has, each beside the Sid of its statement."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in _FOLDER.glob("*.json"):
        for one in json.loads(path.read_text())["findings"]:
            found.setdefault(one["role"], set()).add((one["sid"], one["action"]))
    return found


def write_result(findings: list[Finding], failed: Sequence[str]) -> Path:
    """Write the findings to `results/DATE_REV.json`, with the tests that failed undisturbed."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    _FOLDER.mkdir(exist_ok=True)
    path = _FOLDER / f"{datetime.now(UTC):%Y-%m-%d}_{revision}.json"
    summary = {
        "actions": len(findings),
        "missed_by_running": sum("tests/e2e/" in one.missed_by for one in findings),
        "missed_by_reading": sum("tests/architecture/" in one.missed_by for one in findings),
        "of_these_untried_by_running": sum(one.untried for one in findings),
        "missed_by_nobody": sum(not one.missed_by for one in findings),
        "failed_undisturbed": list(failed),
        "findings": [asdict(one) for one in findings],
    }
    path.write_text(json.dumps(summary, indent=1) + "\n")
    return path
