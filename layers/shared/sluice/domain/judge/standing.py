"""Where the current step of a rollout stands: its minutes, its data, whether it is blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain.judge.document import Kind
from sluice.domain.judge.verdict import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.domain.judge.course import Course
    from sluice.domain.judge.document import Minute
    from sluice.domain.judge.settings import Policy


def standing(
    courses: Sequence[Course], policy: Policy, *, crossed: int | None, proven: bool
) -> Standing:
    """The current step; of several metrics the one with the least data counts."""
    counted = asked_for_data(courses)
    minutes = counted[0].metric.minutes
    step = minutes[-1].step if minutes else 0
    elapsed = sum(minute.step == step for minute in minutes)
    told = [[one for one in course.counts[-elapsed:] if one] for course in counted if elapsed]
    return Standing(
        step=step,
        elapsed=elapsed,
        data_minutes=min((len(one) for one in told), default=0),
        samples=min((sum(counts[0] for counts in one) for one in told), default=0.0),
        blind=all(is_blind(course.metric.minutes, policy) for course in counted),
        crossed=crossed,
        proven=proven,
        comparable=any(course.metric.kind is not Kind.SLO for course in courses),
    )


def asked_for_data(courses: Sequence[Course]) -> list[Course]:
    """The metrics that must have data: scores may be rarer than requests."""
    compared = [course for course in courses if course.metric.kind is Kind.COMPARED]
    return compared or list(courses)


def is_blind(minutes: Sequence[Minute], policy: Policy) -> bool:
    """No canary requests for `blind_hold` minutes, `expected_floor` a minute being due on average.

    On average, as a service at the floor has minutes above and below it.
    """
    last = minutes[-policy.blind_hold :]
    silent = len(last) == policy.blind_hold and not any(minute.n_c for minute in last)
    return silent and sum(map(expected, last)) >= policy.expected_floor * policy.blind_hold - _FUZZ


def blind_minutes(minutes: Sequence[Minute], policy: Policy) -> int:
    """Minutes without canary requests though at least `expected_floor` were due."""
    floor = policy.expected_floor - _FUZZ
    return sum(not minute.n_c and expected(minute) >= floor for minute in minutes)


def expected(minute: Minute) -> float:
    """The canary's requests that stable's traffic and the weight lead one to expect."""
    weight = minute.weight
    if not weight or weight >= 1 or not minute.n_s:
        return 0.0
    return minute.n_s * weight / (1 - weight)


_FUZZ = 1e-9
"""95 x 0.05 / 0.95 is 5, whatever floats make of it."""
