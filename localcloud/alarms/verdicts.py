"""What state an alarm should be in: M of N, missing data, and the words for it.

The rules are those of the user guide's pages "Alarm evaluation" and "Configuring how CloudWatch
alarms treat missing data". More periods than EvaluationPeriods are looked at: real datapoints
further back count before missing ones are filled in.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EXTRA_PERIODS = 2
_BREACHES: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
COMPARISONS = frozenset(_BREACHES)
TREATMENTS = {"breaching": "Breaching", "notBreaching": "NonBreaching", "ignore": "", "missing": ""}


@dataclass(frozen=True, slots=True)
class Datapoint:
    """The value of one period, None when it has none."""

    start: float
    value: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alarm compares, and how often it must breach."""

    comparison: str
    threshold: float
    periods: int
    needed: int
    missing: str

    @classmethod
    def of(cls, alarm: dict[str, Any]) -> "Rule":
        """The rule of a stored alarm."""
        return cls(
            alarm["ComparisonOperator"],
            alarm["Threshold"],
            alarm["EvaluationPeriods"],
            alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"],
            alarm.get("TreatMissingData", "missing"),
        )

    def breaches(self, point: Datapoint) -> bool:
        """Whether the datapoint, which has a value, is over the threshold."""
        compare, _ = _BREACHES[self.comparison]
        return point.value is not None and compare(point.value, self.threshold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, why, and the datapoints that decided, newest first."""

    state: str
    reason: str
    datapoints: tuple[Datapoint, ...]


def judge(rule: Rule, points: list[Datapoint]) -> Verdict | None:
    """The state that `points`, newest first, call for; None to stay in the present one."""
    real = tuple(point for point in points if point.value is not None)
    if len(real) >= rule.periods:
        return _threshold_verdict(rule, real[: rule.periods], 0)
    absent = rule.periods - len(real)
    if rule.missing in {"breaching", "notBreaching"}:
        return _threshold_verdict(rule, real, absent)
    if not real:
        return None if rule.missing == "ignore" else _unknown(rule)
    return _with_gaps(rule, points, real)


def _with_gaps(rule: Rule, points: list[Datapoint], real: tuple[Datapoint, ...]) -> Verdict | None:
    """Too few datapoints, and missing ones count as nothing."""
    breaching = [point for point in real if rule.breaches(point)]
    if len(breaching) >= rule.needed or len(breaching) < len(real):
        return _threshold_verdict(rule, real, 0)
    age_of_oldest = points.index(real[-1]) + 1
    if rule.missing == "missing" and age_of_oldest >= rule.needed:
        return _crossed(rule, real, "ALARM")
    return None


def _threshold_verdict(rule: Rule, real: tuple[Datapoint, ...], filled: int) -> Verdict:
    breaching = sum(rule.breaches(point) for point in real)
    if rule.missing == "breaching":
        breaching += filled
    state = "ALARM" if breaching >= rule.needed else "OK"
    return _crossed(rule, real, state) if real else _filled(rule, state, filled)


def _unknown(rule: Rule) -> Verdict:
    verb = "was" if rule.periods == 1 else "were"
    reason = f"Insufficient Data: {_count(rule.periods, 'datapoint')} {verb} unknown."
    return Verdict("INSUFFICIENT_DATA", reason, ())


def _filled(rule: Rule, state: str, filled: int) -> Verdict:
    verb = "was" if filled == 1 else "were"
    reason = (
        f"Threshold Crossed: no datapoints were received for {_count(filled, 'period')} and "
        f"{_count(filled, 'missing datapoint')} {verb} treated as [{TREATMENTS[rule.missing]}]."
    )
    return Verdict(state, reason, ())


def _crossed(rule: Rule, real: tuple[Datapoint, ...], state: str) -> Verdict:
    alarming = state == "ALARM"
    shown = [point for point in real if rule.breaches(point) == alarming]
    verb = "was" if len(shown) == 1 else "were"
    _, words = _BREACHES[rule.comparison]
    minimum = rule.needed if alarming else rule.periods - rule.needed + 1
    transition = "OK -> ALARM" if alarming else "ALARM -> OK"
    negation = "" if alarming else "not "
    reason = (
        f"Threshold Crossed: {len(shown)} out of the last {len(real)} datapoints "
        f"[{', '.join(_told(point) for point in shown)}] {verb} {negation}{words} "
        f"the threshold ({rule.threshold}) "
        f"(minimum {_count(minimum, 'datapoint')} for {transition} transition)."
    )
    return Verdict(state, reason, real)


def _told(point: Datapoint) -> str:
    return f"{point.value} ({datetime.fromtimestamp(point.start, UTC):%d/%m/%y %H:%M:%S})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
