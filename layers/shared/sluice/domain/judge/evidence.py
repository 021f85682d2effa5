"""What a verdict stands on, in numbers and in plain words, so that a person can follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain.judge.document import Kind
from sluice.domain.judge.promote import growth, needed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sluice.domain.judge.course import Course
    from sluice.domain.judge.settings import Config

_ROUND = 1e-9


def evidence_of(course: Course, crossed: int | None) -> dict[str, Any]:
    """One metric's evidence: counts, noise, and the bet that paid most until the threshold."""
    said = course.looks_like(crossed or len(course.counts))
    told = [counts for counts in course.counts if counts]
    return {
        "kind": course.metric.kind.value,
        "canary": _rate(sum(one[0] for one in told), sum(one[1] for one in told)),
        "stable": _rate(sum(one[2] for one in told), sum(one[3] for one in told)),
        "data_minutes": len(told),
        "phi": course.rule.spread_before,
        "phi_now": course.rule.spread,
        "log_e_rollback": course.log_e_rollback[-1] if course.log_e_rollback else 0.0,
        "log_e_promote": course.log_e_promote[-1] if course.log_e_promote else 0.0,
        "looks_like": {"says": said[0], "from_minute": said[1]} if said else None,
    }


def most_needed(courses: Sequence[Course], config: Config) -> int | None:
    """Canary requests that the step still needs for its evidence, on the metric that needs most.

    None when it is not known, or when no number of requests would do.
    """
    asked = [_needed(one, config) for one in courses if one.metric.kind is Kind.COMPARED]
    known = [one for one in asked if one is not None]
    return max(known) if known and len(known) == len(asked) else None


def _needed(course: Course, config: Config) -> int | None:
    """On one metric, if the canary is as good as stable is."""
    known = [(minute.n_s, minute.x_s) for minute in course.metric.minutes]
    rows = [*course.metric.history, *((n, x) for n, x in known if n and x is not None)]
    requests, bad = sum(n for n, _ in rows), sum(x for _, x in rows)
    rate = bad / requests if requests else 0.0
    told = next((one for one in reversed(course.counts) if one), None)
    share = told[0] / told[2] if told else 1.0
    best = growth(rate, share, course.rule.spread, config)
    missing = needed(config) - max(course.log_e_promote[-1:] or [0.0])
    return max(0, int(missing / best) + 1) if best > _ROUND else None


def tell(why: str, answer: Mapping[str, Any]) -> str:
    """The reason with its numbers."""
    name, metric = max(
        answer["metrics"].items(), key=lambda one: (one[1]["log_e_rollback"], one[0])
    )
    parts = [why, f"{_of(name)}{_counts(metric)}"]
    crossed, limit = answer["minute"], answer["thresholds"]
    if crossed:
        evidence = answer["log_e_rollback"][crossed - 1]
        parts.append(
            f"log evidence {evidence:.2f} reached {limit['rollback']:.2f} at minute {crossed}"
        )
        if metric["looks_like"]:
            said = metric["looks_like"]
            parts.append(f"looks like {said['says']} from minute {said['from_minute']}")
    elif answer["log_e_rollback"]:
        parts.append(
            f"log evidence for a rollback {answer['log_e_rollback'][-1]:.2f} of "
            f"{limit['rollback']:.2f}, for promotion {answer['log_e_promote'][-1]:.2f} of "
            f"{limit['promote']:.2f}"
        )
        if answer["requests_needed"]:
            parts.append(f"about {answer['requests_needed']:,} more canary requests are needed")
    return "; ".join(parts)


def _rate(n: float, x: float) -> dict[str, float | None]:
    return {"n": n, "x": x, "rate": x / n if n else None}


def _of(name: str) -> str:
    return f"{name}: " if name else ""


def _counts(metric: Mapping[str, Any]) -> str:
    if metric["kind"] == Kind.MEAN:
        means = [_mean(metric[side]) for side in ("canary", "stable")]
        return f"canary's mean {means[0]}, stable's {means[1]}"
    canary = _share(metric["canary"])
    if metric["kind"] == Kind.SLO:
        return f"canary {canary}"
    return f"canary {canary}, stable {_share(metric['stable'])}"


def _share(side: Mapping[str, Any]) -> str:
    if not side["n"]:
        return "no requests"
    return f"{side['x']:,.10g} bad of {side['n']:,.10g} ({100 * side['rate']:.3g} %)"


def _mean(side: Mapping[str, Any]) -> str:
    return f"{side['rate']:.4g} of {side['n']:,.10g}" if side["n"] else "of no scores"
