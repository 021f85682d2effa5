"""The committed record of a run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from tests.localcloud.hooks.trials import Finding

_FOLDER = Path(__file__).parent.parent / "results"


def write_result(
    findings: Sequence[Finding], failed: Set[str], untried: Sequence[str] = ()
) -> Path:
    """Write the findings, and what failed undisturbed, to `results/hooks_DATE_REV.json`."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    _FOLDER.mkdir(exist_ok=True)
    path = _FOLDER / f"hooks_{datetime.now(UTC):%Y-%m-%d}_{revision}.json"
    summary = {
        "hooks": len(findings),
        "missed": sum(bool(one.missed_by) for one in findings),
        "missed_by_nobody": [one.hook for one in findings if not one.missed_by],
        "untried": list(untried),
        "failed_undisturbed": sorted(failed),
        "findings": [asdict(one) for one in findings],
    }
    path.write_text(json.dumps(summary, indent=1) + "\n")
    return path
