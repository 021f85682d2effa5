"""What an engineer pushes: weights with the code that serves them, a config, an evaluation."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

if TYPE_CHECKING:
    from demo.models import Trained
    from demo.rows import Row

GROUP = "tumours"
ENDPOINT = "tumours"
REPOSITORY = "sklearn"
IMAGE_TAG = "1.9"
TRAINING_DATE = "2026-03-25"
_INFERENCE = Path(__file__).parent / "inference"
_FIRST = Path(__file__).parent.parent / "examples" / "classifier" / "code" / "inference.py"
_CODE_OF = {5: 2}
"""Version 5 changes the weights alone: it is served by the code of version 2. Version 1's code is
that of the example system, which the others change."""
_BAKE_MINUTES = {"min": 2, "max": 3, "last": 4}
_ANALYSIS = {"margin_abs": 0.2}
"""What some thirty requests in a minute of the cloud can prove: users here are few."""
_STANDBY_MINUTES = 2
_PLANS: dict[int, dict[str, Any]] = {
    # A canary at 5 % gets few requests a minute: bake until an alarm must have seen some.
    3: {"bake_minutes": {"min": 10, "max": 20, "last": 10}},
    # What happens to version 4 happens while version 2 stands by.
    4: {"steps": [50, 100], "standby_minutes": 60},
    5: {"steps": [50, 100], "standby_minutes": 1},
    # Long enough at 50 % for a person to stop its execution there.
    6: {
        "steps": [50, 100],
        "standby_minutes": 1,
        "bake_minutes": {"min": 3, "max": 10, "last": 3},
    },
}
"""In what the plan of a version differs from the usual one."""


@dataclass(frozen=True, slots=True)
class Package:
    """One version folder on disk, ready to be pushed."""

    version: int
    folder: Path
    metadata: dict[str, str]

    @property
    def prefix(self) -> str:
        """Where it goes in the bucket."""
        return f"models/{GROUP}-v{self.version}"

    @property
    def archive(self) -> Path:
        """The weights and the code that serves them."""
        return self.folder / "model.tar.gz"

    @property
    def documents(self) -> tuple[Path, ...]:
        """The JSON files beside the archive."""
        return self.folder / "config.json", self.folder / "evaluation-results.json"


def inference_source(version: int) -> str:
    """The `inference.py` of a version."""
    own = _INFERENCE / f"v{_CODE_OF.get(version, version)}.py"
    return (_FIRST if version == 1 else own).read_text()


def broken(source: str) -> str:
    """`source` with a `predict_fn` that answers every row, and confuses the diagnoses."""
    return source + (
        "\n\n_says = predict_fn\n\n\n"
        "def predict_fn(rows, model):\n"
        '    other = {"benign": "malignant", "malignant": "benign"}\n'
        "    return [other[said] for said in _says(rows, model)]\n"
    )


def pack(trained: Trained, source: str, *, image_uri: str, git_sha: str, into: Path) -> Package:
    """Write the version folder of `trained`, served by `source`, below `into`."""
    folder = into / f"{GROUP}-v{trained.version}"
    folder.mkdir(parents=True)
    (folder / "inference.py").write_text(source)
    joblib.dump(trained.pipeline, folder / "model.joblib")
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "model.joblib", "model.joblib")
        archive.add(folder / "inference.py", "code/inference.py")
    _document(folder / "config.json", _config(trained.version, image_uri))
    _document(folder / "evaluation-results.json", _evaluation(trained))
    return Package(trained.version, folder, _metadata(trained, git_sha))


def local_predictions(package: Package, rows: tuple[Row, ...]) -> tuple[str, ...]:
    """What the packed classifier says of `rows` when joblib loads it here, without any server."""
    classifier = joblib.load(package.folder / "model.joblib")
    said = classifier.predict([list(row.measurements) for row in rows])
    return tuple(str(diagnosis) for diagnosis in said)


def _document(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def _metadata(trained: Trained, git_sha: str) -> dict[str, str]:
    return {
        "git-sha": git_sha,
        "training-date": TRAINING_DATE,
        "base-model": type(trained.pipeline[-1]).__name__,
        "training-dataset-version": trained.data_set,
        "eval-accuracy": str(round(trained.accuracy, 4)),
    }


def _evaluation(trained: Trained) -> dict[str, Any]:
    return {"accuracy": round(trained.accuracy, 4), "f1": round(trained.f1, 4)}


def _config(version: int, image_uri: str) -> dict[str, Any]:
    return {
        "image_uri": image_uri,
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "environment": {},
        "content_types": ["text/csv"],
        "response_types": ["text/csv"],
        "endpoint_name": ENDPOINT,
        "rollout": {
            "strategy": "canary",
            "steps": [5, 25, 50, 100],
            "bake_minutes": _BAKE_MINUTES,
            "analysis": _ANALYSIS,
            "standby_minutes": _STANDBY_MINUTES,
            "latency_slo_ms": 2000,
            **_PLANS.get(version, {}),
        },
        "alarms": {"error_rate": 0.05, "evaluation_periods": 1, "datapoints": 1},
    }
