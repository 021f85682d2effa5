"""Train a classifier of tumours and write its version folder: `python training.py 1 --into models`.

The data set ships with scikit-learn. The same arguments make the same bytes, so that a push can be
repeated; `sluice push` adds the commit.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import shutil
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
GROUP = "tumours"
DATA_SET = "breast-cancer-wisconsin"
SEED = 7
_HELD_OUT = 0.3


@cache
def split() -> tuple[Any, Any, Any, Any]:
    """Rows to train on, rows held out, and the diagnoses of both."""
    data = load_breast_cancer()
    names = data.target_names[data.target]
    return tuple(
        train_test_split(
            data.data, names, test_size=_HELD_OUT, random_state=SEED, stratify=data.target
        )
    )


def regression(strength: float) -> Any:
    """A logistic regression over all measurements, not fitted yet."""
    weights = LogisticRegression(C=strength, max_iter=1000, random_state=SEED)
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), weights)


def evaluation(pipeline: Any) -> dict[str, float]:
    """How a fitted pipeline does on the rows that were held out."""
    _, unseen, _, truth = split()
    said = pipeline.predict(unseen)
    return {
        "accuracy": round(float(accuracy_score(truth, said)), 4),
        "f1": round(float(f1_score(truth, said, pos_label="malignant")), 4),
    }


def write(version: int, *, strength: float, into: Path) -> Path:
    """Train, and write the version folder below `into`; its path."""
    rows, _, diagnoses, _ = split()
    pipeline = regression(strength).fit(rows, diagnoses)
    results = evaluation(pipeline)
    folder = into / f"{GROUP}-v{version}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tar.gz").write_bytes(_packed(pipeline))
    shutil.copy(HERE / "config.json", folder / "config.json")
    _document(folder / "evaluation-results.json", results)
    _document(
        folder / "metadata.json",
        {
            "base-model": f"LogisticRegression C={strength:g}",
            "training-dataset-version": DATA_SET,
            "eval-accuracy": str(results["accuracy"]),
        },
    )
    return folder


def _packed(pipeline: Any) -> bytes:
    """The weights and the code that serves them, without the time at which they were packed."""
    weights, packed = io.BytesIO(), io.BytesIO()
    joblib.dump(pipeline, weights)
    files = {
        "model.joblib": weights.getvalue(),
        "code/inference.py": (HERE / "code" / "inference.py").read_bytes(),
    }
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def _document(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    """Write the version folder that the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int, help="the number after -v")
    parser.add_argument("--strength", type=float, default=1.0, help="of the fit (%(default)s)")
    parser.add_argument("--into", type=Path, default=Path("models"), help="(%(default)s)")
    options = parser.parse_args()
    folder = write(options.version, strength=options.strength, into=options.into)
    print(f"{folder}: {(folder / 'evaluation-results.json').read_text().strip()}")


if __name__ == "__main__":
    main()
