"""What users send: held-out rows as CSV, in the ways laboratories write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Kind(StrEnum):
    """How a row is written."""

    COMPLETE = "complete"
    INCOMPLETE = "lacks a measurement"
    """One cell is empty: the measurement was not taken."""
    SCIENTIFIC = "scientific notation"
    """1.799e+01 for 17.99: how a laboratory writes that joins later."""
    WITH_UNIT = "with a unit"
    """17.99mm for 17.99: how the last laboratory to join writes; no version before 6 reads it."""


READ_BY_ALL = (Kind.COMPLETE, Kind.INCOMPLETE, Kind.SCIENTIFIC)
"""What a version without a fault diagnoses."""


@dataclass(frozen=True, slots=True)
class Row:
    """One held-out row: its number, its measurements (NaN where none was taken), its CSV."""

    number: int
    kind: Kind
    measurements: tuple[float, ...]
    csv: str


def written(number: int, measurements: tuple[float, ...], kind: Kind) -> Row:
    """Row `number` written as `kind`; its cells, read as numbers, are exactly its measurements."""
    if kind is Kind.INCOMPLETE:
        absent = number * 7 % len(measurements)
        measurements = (*measurements[:absent], math.nan, *measurements[absent + 1 :])
    cells = (_cell(value, kind) for value in measurements)
    return Row(number, kind, measurements, ",".join(cells))


def _cell(value: float, kind: Kind) -> str:
    if math.isnan(value):
        return ""
    if kind is Kind.SCIENTIFIC:
        return np.format_float_scientific(value, min_digits=1)
    decimal = np.format_float_positional(value, trim="0")
    return f"{decimal}mm" if kind is Kind.WITH_UNIT else decimal
