"""What Application Auto Scaling knows of one variant, as values that the ledger can keep.

A scalable target is known by the variant's name, and every release's variant has a name of its
own: what autoscaling was must be carried from one variant to the next, policies, schedules and all.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.domain.values import Moment, Value

_ONCE = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_FARTHEST_ZONE = timedelta(hours=14)
"""No clock on earth is further from UTC: what is this long past in UTC is past everywhere."""


class Suspended(Value):
    """Which scaling activities of a scalable target are suspended (API_SuspendedState)."""

    scale_in: bool = False
    scale_out: bool = False
    scheduled: bool = False

    def during_rollout(self) -> Suspended:
        """Capacity may grow while a rollout runs, and nothing but the rollout takes it away."""
        return self.model_copy(update={"scale_in": True, "scheduled": True})


class TrackingPolicy(Value):
    """A target tracking policy; Application Auto Scaling makes and keeps its alarms itself."""

    name: str
    configuration: str
    """`TargetTrackingScalingPolicyConfiguration`, as canonical JSON."""

    def watching(self, variant: str) -> dict[str, Any]:
        """The configuration with `variant` wherever a metric's dimension names one."""
        return dict(_watching(json.loads(self.configuration), variant))


class ScheduledAction(Value):
    """New bounds at a time, once or again and again."""

    name: str
    schedule: str
    timezone: str = ""
    starts: Moment | None = None
    ends: Moment | None = None
    min_capacity: int | None = None
    max_capacity: int | None = None

    @property
    def once(self) -> bool:
        """Whether it happens a single time."""
        return _ONCE.fullmatch(self.schedule) is not None

    def is_over(self, now: datetime) -> bool:
        """Whether it cannot happen any more, whatever its time zone is."""
        if self.ends and self.ends <= now:
            return True
        found = _ONCE.fullmatch(self.schedule)
        if found is None:
            return False
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) + _FARTHEST_ZONE < now


class ScalableTarget(Value):
    """A registered variant: its bounds, what is suspended, its policies and scheduled actions."""

    variant: str
    min_capacity: int
    max_capacity: int
    suspended: Suspended = Suspended()
    policies: tuple[TrackingPolicy, ...] = ()
    actions: tuple[ScheduledAction, ...] = ()
    untracked: tuple[str, ...] = ()
    """Names of policies that are not target tracking: their alarms are the user's own."""

    def __str__(self) -> str:
        said = [f"{self.variant}: {self.min_capacity} to {self.max_capacity} instances"]
        said += [f"policy {one.name}" for one in self.policies]
        said += [f"policy {name} (not target tracking)" for name in self.untracked]
        said += [f"scheduled action {one.name}" for one in self.actions]
        return ", ".join(said)


class Suspension(Value):
    """What autoscaling was before a rollout touched it, and is to be again."""

    before: ScalableTarget
    placed: tuple[str, ...] = ()
    """Variants it was, or was about to be, placed on since; empty: only suspended where it is."""


def _watching(value: Any, variant: str) -> Any:
    match value:
        case {"Name": "VariantName", "Value": str()}:
            return {**value, "Value": variant}
        case dict():
            return {name: _watching(inner, variant) for name, inner in value.items()}
        case list():
            return [_watching(inner, variant) for inner in value]
        case _:
            return value
