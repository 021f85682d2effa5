"""How traffic is taken away from a release, given how its endpoint stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.rollout import Kind

if TYPE_CHECKING:
    from sluice.domain.rollout import Rollout
    from sluice.domain.watching import EndpointView


@dataclass(frozen=True, slots=True)
class SetWeights:
    """All traffic to stable, in one weight change."""

    weights: dict[str, int]


@dataclass(frozen=True, slots=True)
class Delete:
    """A first deployment that was never promoted: it serves to whoever calls it, or never came up.

    Left alone it would serve what nobody may serve, and stand in the way of the next approval.
    """


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing to take away, or nothing good to give the traffic to."""

    reason: str


type Retreat = SetWeights | Delete | Stay


def retreat(rollout: Rollout, endpoint: EndpointView | None) -> Retreat:
    """The way back to stable; without a stable, what serves goes on serving."""
    if endpoint is None:
        return Stay("there is no endpoint")
    if rollout.kind is Kind.ALL_AT_ONCE and not rollout.promoted:
        ours = endpoint.config == rollout.release.endpoint_config
        return Delete() if ours else Stay("the endpoint is not this rollout's")
    if rollout.stable is None:
        return Stay("no stable to return to")
    if rollout.release.variant not in endpoint.variants:
        return Stay("the canary is not on the endpoint")
    if endpoint.serves_only(rollout.stable.variant):
        return Stay("stable has all traffic already")
    return SetWeights({rollout.stable.variant: 100, rollout.release.variant: 0})
