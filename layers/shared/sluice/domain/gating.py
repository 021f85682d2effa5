"""Whether an evaluation shows what the policy demands. Pure: the time is an argument.

A metric that is absent misses its gate, whatever else is known: what was not measured has not been
shown. What serves is no measure where nothing serves, or where it never told that metric: the gate
is not applicable then, and people are told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sluice.domain.evaluation_policy import Better
from sluice.domain.gates import Gate, GateOutcome, Gates, Live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sluice.domain.evaluation_policy import EvaluationPolicy, MetricGate, Section
    from sluice.domain.scores import Scores

SKEW = timedelta(minutes=5)
"""How far another clock may be ahead."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """What serves the target now."""

    live: Live
    scores: Scores | None
    """None where its manifest is not recorded as it was captured."""


def judge_gates(
    policy: EvaluationPolicy, group: str, scores: Scores, *, live: Standing | None, at: datetime
) -> Gates:
    """How a version of `group` stands to the policy, claimed `at` beside `live`."""
    name, section = policy.section_of(group)
    judged = tuple(_judged(section, scores, live, at))
    beside = live.live if live and section.compares else None
    return Gates(policy=policy.digest, section=name, live=beside, judged=judged)


def _judged(
    section: Section, scores: Scores, live: Standing | None, at: datetime
) -> Iterator[Gate]:
    for name, gate in sorted(section.metrics.items()):
        if gate.at_least is not None:
            yield _limit(name, "at_least", gate.at_least, scores)
        if gate.at_most is not None:
            yield _limit(name, "at_most", gate.at_most, scores)
        if gate.no_worse_than_live_by is not None:
            yield _beside(name, gate, scores, live)
    for suite in section.required_suites:
        yield _suite(suite, scores)
    if section.max_age_days is not None:
        yield _age(section.max_age_days, scores.evaluated_at, at)


def _limit(name: str, word: str, wanted: float, scores: Scores) -> Gate:
    found = scores.of(name)
    passed = found is not None and (found >= wanted if word == "at_least" else found <= wanted)
    return Gate(
        name=f"{name} {word}",
        wanted=wanted,
        found=found,
        source=scores.source_of(name),
        outcome=_outcome(passed=passed),
        detail=f"{name} is {_shown(found)}, {word} demands {_shown(wanted)}",
    )


def _beside(name: str, gate: MetricGate, scores: Scores, live: Standing | None) -> Gate:
    """The metric beside that of what serves: by their decimal spellings, as people compare."""
    wanted, found = gate.no_worse_than_live_by or 0.0, scores.of(name)
    theirs = live.scores.of(name) if live and live.scores else None
    outcome, detail = _compared(name, gate, found, live)
    return Gate(
        name=f"{name} no_worse_than_live_by",
        wanted=wanted,
        found=found,
        source=scores.source_of(name),
        live=theirs,
        outcome=outcome,
        detail=detail,
    )


def _compared(
    name: str, gate: MetricGate, found: float | None, live: Standing | None
) -> tuple[GateOutcome, str]:
    by = f"no_worse_than_live_by is {_shown(gate.no_worse_than_live_by)}"
    if found is None:
        return GateOutcome.MISSED, f"{name} is absent, {by}"
    is_found = f"{name} is {_shown(found)}, {by}"
    if live is None:
        return GateOutcome.NOT_APPLICABLE, f"{is_found}: no release to compare with"
    release = live.live.release
    if live.scores is None:
        why = f"{release}, which serves, is not recorded as it was captured"
        return GateOutcome.MISSED, f"{is_found}: {why}"
    theirs = live.scores.of(name)
    if theirs is None:
        why = f"{release}, which serves, does not tell {name}"
        return GateOutcome.NOT_APPLICABLE, f"{is_found}: {why}"
    passed = _is_no_worse(found, theirs, gate)
    detail = f"{is_found} ({gate.better} is better): {release}, which serves, has {_shown(theirs)}"
    return _outcome(passed=passed), detail


def _is_no_worse(found: float, theirs: float, gate: MetricGate) -> bool:
    ours, live = Decimal(str(found)), Decimal(str(theirs))
    worse = live - ours if gate.better is Better.HIGHER else ours - live
    return worse <= Decimal(str(gate.no_worse_than_live_by))


def _suite(name: str, scores: Scores) -> Gate:
    count = scores.suite(name)
    said = f"holds {count} numbers" if count else f"did not run: no number under suites.{name}"
    return Gate(
        name=f"suite {name}",
        wanted=name,
        found=float(count) if count else None,
        outcome=_outcome(passed=count > 0),
        detail=f"suite {name} {said}",
    )


def _age(days: float, said: str, at: datetime) -> Gate:
    evaluated = _moment(said)
    passed = evaluated is not None and -SKEW <= at - evaluated <= timedelta(days=days)
    if evaluated is None:
        detail = f"evaluated_at is {'no time with a zone' if said else 'absent'}"
    elif at - evaluated < -SKEW:
        detail = f"evaluated_at is {said}, which is yet to come"
    else:
        detail = f"evaluated_at is {said}, {(at - evaluated) / _DAY:.1f} days ago"
    return Gate(
        name="max_age_days",
        wanted=days,
        found=said if evaluated else None,
        outcome=_outcome(passed=passed),
        detail=f"{detail}, max_age_days is {_shown(days)}",
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _outcome(*, passed: bool) -> GateOutcome:
    return GateOutcome.PASSED if passed else GateOutcome.MISSED


def _shown(number: float | None) -> str:
    return "absent" if number is None else str(float(number)).removesuffix(".0")
