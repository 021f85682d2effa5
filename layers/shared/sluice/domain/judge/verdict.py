"""From evidence to a verdict: rollback before hold, hold before promote, promote before waiting."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.domain.judge.settings import Policy


class Verdict(StrEnum):
    """What the judge says at the last minute of the document."""

    ROLLBACK = "rollback"
    HOLD = "hold"
    PROMOTE = "promote"
    """This step passes."""
    KEEP_BAKING = "keep_baking"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a step looks like now."""

    step: int
    elapsed: int
    """Minutes of this step, with data or without."""
    data_minutes: int
    """Those of them that say something of both variants."""
    samples: float
    """Canary requests in them."""
    blind: bool
    """The canary is silent although it was due requests."""
    crossed: int | None
    """The minute at which the evidence first called for a rollback."""
    proven: bool
    """The evidence of this step shows that the canary is not materially worse."""
    comparable: bool
    """Something is compared: at all traffic nothing is, and steps pass on time."""


def decide(now: Standing, policy: Policy) -> tuple[Verdict, str]:
    """The verdict, and why; the caller adds the numbers."""
    over = now.elapsed >= policy.longest(now.step)
    enough = now.data_minutes >= policy.min_bake and now.samples >= policy.min_samples
    if now.crossed is not None:
        return Verdict.ROLLBACK, "the canary is worse than is tolerated"
    if now.blind:
        return Verdict.HOLD, (
            f"blind: the canary had no requests in the last {policy.blind_hold} minutes, "
            "although its share of the traffic was due"
        )
    if now.proven and enough:
        return Verdict.PROMOTE, "the canary is not materially worse"
    if over:
        return _at_the_end(now, policy, enough=enough)
    return Verdict.KEEP_BAKING, "no verdict yet"


def _at_the_end(now: Standing, policy: Policy, *, enough: bool) -> tuple[Verdict, str]:
    if not enough:
        return Verdict.HOLD, (
            f"too little data: {now.data_minutes} minutes and {now.samples:g} canary requests in "
            f"{now.elapsed} minutes, {policy.min_bake} minutes and {policy.min_samples} requests "
            "are needed"
        )
    if now.comparable and now.step >= policy.last_step:
        return Verdict.HOLD, (
            f"undecided after {now.elapsed} minutes: the last step passes on evidence only"
        )
    return Verdict.PROMOTE, (
        f"nothing speaks for a rollback in {now.elapsed} minutes, the longest this step bakes"
    )
