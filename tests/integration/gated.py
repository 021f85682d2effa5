"""`register_package` deployed with an evaluation policy that names the group `churn`."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.domain.evaluation_policy import POLICY
from sluice.domain.inbox import CONFIG, EVALUATION, MODEL
from tests.builders import METADATA

if TYPE_CHECKING:
    from types import ModuleType

    from tests.integration.inbox import Inbox

APP = Path(__file__).parents[2] / "functions" / "register_package" / "app.py"
GATES = {
    "groups": {
        "churn": {
            "metrics": {
                "accuracy": {
                    "at_least": 0.88,
                    "no_worse_than_live_by": 0.01,
                    "better": "higher",
                },
                "f1": {"at_least": 0.8},
            },
            "required_suites": ["toxicity"],
            "max_age_days": 30,
        },
        "assist*": {"metrics": {"faithfulness": {"at_least": 0.9}}},
    }
}
ENOUGH: dict[str, Any] = {
    "accuracy": 0.9,
    "f1": 0.84,
    "suites": {"toxicity": {"rate": 0.01}},
    "evaluated_at": "2026-05-01T14:00:00Z",
}
"""Reaches every gate while nothing serves; pushed on 3 May."""


def deployed_with(policy: Any, folder: Path) -> ModuleType:
    """The function as it is built and started with this policy in place of the shipped one."""
    shutil.copy(APP, folder)
    (folder / POLICY).write_text(json.dumps(policy))
    spec = importlib.util.spec_from_file_location("register_package_gated", folder / APP.name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def push(
    inbox: Inbox, folder: str = "churn-v4", *, label: str = "", f1_label: str = "", **report: Any
) -> list[Any]:
    """Push a folder whose evaluation is `ENOUGH` but for `report`; its events.

    `label` is what the metadata says of its accuracy, `f1_label` of its f1; nothing unless told.
    """
    metadata = {name: one for name, one in METADATA.items() if name != "eval-accuracy"}
    said = {"eval-accuracy": label, "eval-f1": f1_label}
    metadata |= {name: text for name, text in said.items() if text}
    return [
        inbox.push(MODEL, folder=folder, **metadata),
        inbox.push(CONFIG, folder=folder),
        inbox.push(EVALUATION, evaluation(**report), folder=folder),
    ]


def evaluation(**report: Any) -> dict[str, Any]:
    """The evaluation that is `ENOUGH` but for `report`; `...` leaves something out."""
    return {name: one for name, one in {**ENOUGH, **report}.items() if one is not ...}
