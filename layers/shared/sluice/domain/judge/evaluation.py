"""One document in, one verdict with its evidence out: the judge's public function."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any

from sluice.domain.judge.course import follow
from sluice.domain.judge.document import read_document
from sluice.domain.judge.evidence import evidence_of, most_needed, tell
from sluice.domain.judge.standing import asked_for_data, blind_minutes, standing
from sluice.domain.judge.verdict import decide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sluice.domain.judge.course import Course


def evaluate(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on a rollout; `docs/judge.md` describes document and answer.

    The same document gives the same answer, byte for byte, and minutes that are added at its end
    leave the evidence of the minutes before as it was. Raises `JudgeDocumentError`.
    """
    document = read_document(doc)
    config, policy = document.config, document.policy
    courses = [follow(metric, config) for metric in document.metrics]
    log_e_rollback, log_e_promote = _together(courses), _least(courses)
    crossed = _first(log_e_rollback, config.rollback_threshold)
    proven = bool(log_e_promote) and log_e_promote[-1] >= config.promote_threshold
    now = standing(courses, policy, crossed=crossed, proven=proven)
    verdict, why = decide(now, policy)
    needed = None if crossed else most_needed(courses, config)
    answer = {
        "verdict": verdict.value,
        "minute": crossed,
        "log_e_rollback": log_e_rollback,
        "log_e_promote": log_e_promote,
        "phi": max(one.rule.spread_before for one in asked_for_data(courses)),
        "thresholds": {"rollback": config.rollback_threshold, "promote": config.promote_threshold},
        "step": now.step,
        "minutes_in_step": now.elapsed,
        "data_minutes": now.data_minutes,
        "blind_minutes": blind_minutes(asked_for_data(courses)[0].metric.minutes, policy),
        "requests_needed": 0 if proven and not crossed else needed,
        "metrics": {one.metric.name: evidence_of(one, crossed) for one in courses},
    }
    return answer | {"reason": tell(why, answer)}


def _together(courses: Sequence[Course]) -> list[float]:
    """The log of the weighted mean of E: valid under any dependence between the metrics."""
    if len(courses) == 1:
        return courses[0].log_e_rollback
    total = sum(one.metric.weight for one in courses)
    shares = [one.metric.weight / total for one in courses]
    minutes = zip(*(one.log_e_rollback for one in courses), strict=True)
    return [_log_sum(shares, logs) for logs in minutes]


def _log_sum(shares: Sequence[float], logs: Sequence[float]) -> float:
    most = max(logs)
    return most + log(sum(s * exp(one - most) for s, one in zip(shares, logs, strict=True)))


def _least(courses: Sequence[Course]) -> list[float]:
    """A step passes when every metric that is asked says so; 0, no evidence, where none is."""
    asked = [one.log_e_promote for one in courses if one.rule.promotes]
    if not asked:
        return [0.0] * len(courses[0].log_e_promote)
    return [min(logs) for logs in zip(*asked, strict=True)]


def _first(logs: Sequence[float], threshold: float) -> int | None:
    return next((minute for minute, one in enumerate(logs, 1) if one >= threshold), None)
