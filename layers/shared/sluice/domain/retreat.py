"""How traffic is taken away from a release, given how its endpoint stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.rollout import Kind
from sluice.domain.statuses import Allowed

if TYPE_CHECKING:
    from sluice.domain.rollout import Deployed, Rollout
    from sluice.domain.watching import EndpointView


@dataclass(frozen=True, slots=True)
class SetWeights:
    """All traffic to one variant, in one weight change."""

    weights: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reissue:
    """Back to a good configuration: no weights can give it the traffic.

    What stands there is a mix of fleets, or a serverless endpoint, which holds one variant.
    """

    config: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A first deployment that was never promoted: it serves to whoever calls it, or never came up.

    Left alone it would serve what nobody may serve, and stand in the way of the next approval.
    """


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing to take away, or nothing good to give the traffic to."""

    reason: str
    lost: bool = False
    """Whether traffic should have gone somewhere, and cannot: a person is needed."""
    landed: bool = False
    """Whether the release has taken over for good: what traffic would go back to is gone."""


NO_ENDPOINT = "there is no endpoint"
FAILED = "the endpoint is Failed"

type Retreat = SetWeights | Reissue | Delete | Stay


def retreat(rollout: Rollout, endpoint: EndpointView | None) -> Retreat:
    """The way back to what served before; where there is none, what serves goes on serving."""
    home = rollout.home
    if endpoint is None:
        return Stay(NO_ENDPOINT, lost=home is not None)
    if rollout.kind is Kind.ALL_AT_ONCE and not rollout.promoted:
        ours = endpoint.config == rollout.release.endpoint_config
        return Delete() if ours else Stay("the endpoint is not this rollout's")
    if home is None:
        return Stay("no stable to return to")
    landed = endpoint.config == rollout.release.endpoint_config
    if rollout.kind is Kind.ROLL_BACK and landed and endpoint.allowed is Allowed.ACT:
        return Stay(f"{rollout.release.release} has taken over already", landed=True)
    if _alone(rollout, home, endpoint):
        return Stay(f"{home.variant} stands by no more", landed=True)
    way = _to(home, endpoint)
    if not rollout.is_prepared and endpoint.allowed is Allowed.ACT and not isinstance(way, Stay):
        return Stay("nothing of this rollout was put there")
    return way


def _alone(rollout: Rollout, home: Deployed, endpoint: EndpointView) -> bool:
    """Whether the release was promoted, and what stood by has been dropped since."""
    left = rollout.promoted and home.variant not in endpoint.variants
    able = endpoint.allowed is Allowed.ACT
    return left and able and endpoint.serves_only(rollout.release.variant)


def confirm(survivor: Deployed, endpoint: EndpointView | None) -> SetWeights | None:
    """The weights to set again after an update, if it did not leave `survivor` all traffic.

    An update that fails puts the endpoint back on its old configuration, whose initial weights
    are not those that were in effect.
    """
    if endpoint is None or not endpoint.settled:
        return None
    way = _to(survivor, endpoint)
    return way if isinstance(way, SetWeights) else None


def _to(home: Deployed, endpoint: EndpointView) -> Retreat:
    match endpoint.allowed:
        case Allowed.REISSUE:
            return Reissue(home.endpoint_config)
        case Allowed.RECREATE:
            return Stay(FAILED, lost=True)
    if home.variant == names.SERVERLESS_VARIANT:
        serves = endpoint.config == home.endpoint_config and endpoint.settled
        return Stay(f"{home.release} serves already") if serves else Reissue(home.endpoint_config)
    if home.variant not in endpoint.variants:
        return Stay(f"{home.variant} is not on the endpoint", lost=True)
    if endpoint.serves_only(home.variant):
        return Stay(f"{home.variant} has all traffic already")
    return SetWeights({name: 100 * (name == home.variant) for name in endpoint.variants})
