"""Autoscaling around a rollout: when it is suspended, moved and restored, and how big variants are.

While a rollout runs nothing but the rollout takes capacity away: scale-in and scheduled actions are
suspended, scale-out stays. What was there before stands in the target's state first, so that
whoever comes next can put it back whatever became of the holder.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from sluice.domain.lease import unsignalled
from sluice.domain.rollout import Kind, Rollout
from sluice.domain.scalable import Suspension
from sluice.domain.target import Change, Event, TargetState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sluice.domain.scalable import ScalableTarget
    from sluice.domain.watching import EndpointView

PEAK_HOURS = 24
"""How far back a variant's busiest minute counts."""

_NOISE = 0.01
"""Metrics are sums of floating point fractions: 3.0000001 instances are three."""


def objection(rollout: Rollout, found: ScalableTarget | None) -> str:
    """Why this autoscaling cannot be taken along, or nothing; a rollback is never kept waiting.

    A step scaling policy acts on alarms that its owner made for one variant by name. On the next
    variant nothing would call it: capacity would be lost without anybody noticing.
    """
    if found is None or not found.untracked or rollout.kind is Kind.ROLL_BACK:
        return ""
    return (
        f"SCALING_UNSUPPORTED: policy {', '.join(found.untracked)} of {found.variant} is not a "
        f"target tracking policy: its alarms watch this variant by name and cannot be moved. "
        f"Replace it by a target tracking policy"
    )


def scaled_variant(rollout: Rollout) -> str:
    """The variant that serves before the rollout, whose autoscaling is taken along."""
    serving = rollout.stable or rollout.replaced
    return serving.variant if serving else ""


def most_instances(minutes: Iterable[tuple[float, float]]) -> int:
    """The most instances that served in any minute; 0 where nothing was served.

    `minutes` are sums of Invocations and of InvocationsPerInstance. Each request adds 1 to the one
    and 1/instances to the other (API_ScalingPolicyMetric), so their ratio is the number of
    instances; where it changed within the minute, the ratio lies between and is rounded up.
    """
    counts = (math.ceil(all_ / each - _NOISE) for all_, each in minutes if each > 0)
    return max(counts, default=0)


def at_peak(view: EndpointView, found: ScalableTarget, most: int) -> EndpointView:
    """The endpoint with as many instances as served it at its busiest.

    Never fewer than serve now, and else within the bounds that its owner set.
    """
    live = view.variants[found.variant]
    wanted = min(max(most, found.min_capacity), found.max_capacity)
    grown = replace(live, instances=max(live.instances, wanted))
    return replace(view, variants={**view.variants, found.variant: grown})


def suspend(
    state: TargetState | None, rollout: Rollout, found: ScalableTarget | None, *, now: datetime
) -> Change:
    """Write down what autoscaling was, before anything is suspended.

    What the state holds already wins: an earlier rollout's suspension, not restored yet, is what
    `found` would show now. A rollback replaces the fleet in one update, and SageMaker refuses to
    drop a registered variant, so there the move begins at once. Raises DisplacedError,
    SignalPendingError.
    """
    current = unsignalled(state, rollout)
    owed = current.scaling or (Suspension(before=found) if found else None)
    if owed is None:
        return Change(current)
    if rollout.kind is Kind.ROLL_BACK:
        owed = _placed(owed, rollout.release.variant)
    if owed == current.scaling:
        return Change(current)
    event = Event(now, "ScalingSuspended", str(owed.before), rollout.release.release)
    return Change(current.model_copy(update={"scaling": owed}), (event,))


def move(state: TargetState | None, *, now: datetime) -> Change | None:
    """Write down that autoscaling goes to what is live; None where it is, or nothing is owed."""
    if state is None or state.scaling is None or state.live is None:
        return None
    owed, on = state.scaling, state.live.variant
    if not owed.placed and owed.before.variant == on:
        return None
    placed = _placed(owed, on)
    if placed == owed:
        return Change(state)
    event = Event(now, "ScalingMoved", f"{owed.before} to {on}", state.live.release)
    return Change(state.model_copy(update={"scaling": placed}), (event,))


def nothing_scales(state: TargetState, endpoint: EndpointView | None) -> str:
    """Why there is nothing left to put autoscaling on, or nothing: people deleted it."""
    if endpoint is None:
        return "there is no endpoint any more"
    if state.live is None or state.live.variant not in endpoint.variants:
        return "what was live is not on the endpoint any more"
    return ""


def restored(state: TargetState | None, *, now: datetime, lost: str = "") -> Change | None:
    """Nothing is owed any more: it is as it was, or `lost` says why it cannot be.

    None while somebody holds the target: a rollout that has begun relies on what is written down.
    """
    if state is None or state.scaling is None or state.holder:
        return None
    event = Event(
        now,
        "ScalingLost" if lost else "ScalingRestored",
        f"{state.scaling.before}: {lost}" if lost else str(state.scaling.before),
        state.live.release if state.live else None,
    )
    return Change(state.model_copy(update={"scaling": None}), (event,))


def _placed(owed: Suspension, on: str) -> Suspension:
    """`on` is the newest variant it is placed on; the others are to be let go."""
    if owed.placed and owed.placed[-1] == on:
        return owed
    others = tuple(one for one in owed.placed if one != on)
    return owed.model_copy(update={"placed": (*others, on)})
