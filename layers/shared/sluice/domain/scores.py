"""The numbers of an evaluation, and who says each: the report, or the metadata of the weights.

`eval-accuracy: 0.87` on `model.tar.gz` says what `accuracy` in `evaluation-results.json` says, as
its writer rounded it. Both stay where they were pushed, a manifest keeps them apart; what only the
metadata says counts as a metric, too.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from sluice.domain.gates import Source
from sluice.domain.inbox import EVALUATION, MODEL
from sluice.domain.refusal import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "eval-"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST = 40
_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Scores:
    """What is known of how good a version is."""

    report: Mapping[str, float]
    """By dotted name."""
    metadata: Mapping[str, float] = field(default_factory=dict)
    """What the metadata says and the report does not."""
    evaluated_at: str = ""
    """As the report says it; empty where it does not."""

    def of(self, name: str) -> float | None:
        """The metric, whoever says it; None where nobody does, or it is no finite number."""
        value = self.report.get(name, self.metadata.get(name))
        return value if value is not None and math.isfinite(value) else None

    def source_of(self, name: str) -> Source | None:
        """Who says the metric."""
        if self.of(name) is None:
            return None
        return Source.REPORT if name in self.report else Source.METADATA

    def suite(self, name: str) -> int:
        """How many numbers of the report stand under `suites.{name}`."""
        return sum(one.startswith(f"suites.{name}.") for one in self.report)


def scores(
    report: Mapping[str, float], metadata: Mapping[str, str], *, evaluated_at: str = ""
) -> Scores:
    """The scores of a version, from its report and the metadata of its weights."""
    known = {name.lower() for name in report}
    alone = {name: float(text) for name, text in _said(metadata).items() if name not in known}
    return Scores(report, alone, evaluated_at)


def refuse_disagreement(
    report: Mapping[str, float], metadata: Mapping[str, str], *, of: str = MODEL
) -> Refusal | None:
    """Why the report and the metadata `of` an object contradict each other; None when they agree.

    A number agrees with one that it is, rounded to the digits printed: 0.87 with 0.8712. S3 spells
    names of metadata in lower case, so those of the report are compared so.
    """
    said = _said(metadata)
    found = [
        f"{PREFIX}{name} of {of} says {said[name.lower()]}, {name} of {EVALUATION} is {value}"
        for name, value in sorted(report.items())
        if name.lower() in said and not _agree(said[name.lower()], value)
    ]
    if not found:
        return None
    return Refusal(reason=Reason.EVALUATIONS_DISAGREE, detail="; ".join(found))


def _agree(said: str, value: float) -> bool:
    printed = Decimal(said)
    unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    return abs(Decimal(str(value)) - printed) <= unit * _HALF


def _said(metadata: Mapping[str, str]) -> dict[str, str]:
    """The numbers among the labels, as they are printed; what is no number stays a label."""
    found = {
        name.removeprefix(PREFIX): text.strip()
        for name, text in metadata.items()
        if name.startswith(PREFIX) and name != PREFIX
    }
    return {name: text for name, text in found.items() if _is_number(text)}


def _is_number(text: str) -> bool:
    return (
        len(text) <= _LONGEST and _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))
    )
