"""Serve the classifier: an empty cell is a measurement not taken, which the pipeline fills in."""

import math
from pathlib import Path
from typing import Any

import joblib


def model_fn(model_dir: str) -> Any:
    """Load the pipeline that lies beside this file's folder."""
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body: str | bytes, content_type: str) -> list[list[str]]:
    """Split one row of measurements a line into cells."""
    if not content_type.startswith("text/csv"):
        raise ValueError(f"cannot read {content_type}")
    text = body.decode() if isinstance(body, bytes) else body
    return [line.split(",") for line in text.splitlines()]


def predict_fn(rows: list[list[str]], model: Any) -> Any:
    """Name the diagnosis of each row."""
    return model.predict([[_number(cell) for cell in row] for row in rows])


def output_fn(diagnoses: Any, accept: str) -> tuple[str, str]:
    """Write one diagnosis a line."""
    return "\n".join(diagnoses), "text/csv"


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
