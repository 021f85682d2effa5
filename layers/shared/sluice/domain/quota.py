"""Whether an update fits into the account's quota, while it runs old and new instances at once.

SageMaker deploys a new configuration "to a new fleet of instances" and deletes the old one after
the traffic has moved (UpdateEndpoint): beside stable as it is there stand stable again and the
canary. That is about three times the stable count, for minutes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sluice.domain.rollout import Kind
from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sluice.domain.rollout import Rollout

REFUSED = "QUOTA"
"""How the reason of every refusal for want of instances begins; it may fit another time."""

type Fleet = tuple[tuple[str, int], ...]
"""Instance types and counts, one pair for each variant."""


def needed(*fleets: Fleet) -> dict[str, int]:
    """How many instances of each type stand at once."""
    total = Counter[str]()
    for fleet in fleets:
        for instance_type, count in fleet:
            total[instance_type] += count
    return dict(total)


def shortage(
    peak: Mapping[str, int], *, allowed: Mapping[str, int], others: Mapping[str, int]
) -> str:
    """Why the update cannot succeed now, in numbers, and what to do; or nothing.

    A type whose quota is not in `allowed` is not judged: SageMaker will say so itself.
    """
    short = [
        f"{one}: {need} needed at the peak, {allowed[one]} allowed, "
        f"{others.get(one, 0)} used by others"
        for one, need in sorted(peak.items())
        if one in allowed and need + others.get(one, 0) > allowed[one]
    ]
    if not short:
        return ""
    return (
        f"{REFUSED}: {'; '.join(short)}; SageMaker would answer ResourceLimitExceeded. Request "
        f"more of '{{type}} for endpoint usage' in Service Quotas, or free instances"
    )


def applies(rollout: Rollout) -> bool:
    """Whether an estimate may refuse the rollout: never one that leads away from a fault."""
    return rollout.kind is not Kind.ROLL_BACK


def unread(
    state: TargetState | None, rollout: Rollout, reasons: Iterable[str], *, now: datetime
) -> Change | None:
    """Remember that the quota was not looked at, and why; the rollout goes on."""
    if state is None:
        return None
    said = Event(now, "QuotaUnread", "; ".join(reasons), rollout.release.release)
    return Change(state, (said,))
