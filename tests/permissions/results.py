"""What was found, kept beside the proof: one file a run, with date and revision."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.permissions.removal import Finding

_FOLDER = Path(__file__).parent / "results"


def write_result(findings: list[Finding]) -> Path:
    """Write the findings to `results/DATE_REV.json`."""
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
        "missed": sum(finding.missed for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }
    path.write_text(json.dumps(summary, indent=1) + "\n")
    return path
