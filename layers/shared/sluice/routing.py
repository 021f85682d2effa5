"""What splits a target's traffic: an endpoint its variants', an alias its versions'.

The course of a rollout is the same for both. It is decided on what a router describes, in the words
of an endpoint: configurations, variants and their weights. What those are of an alias, its adapter
says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sluice.domain import names
from sluice.domain.release import System

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.adapters.alias import Alias
    from sluice.adapters.endpoint import Endpoint
    from sluice.domain.watching import EndpointView


class TrafficRouter(Protocol):
    """What a rollout asks of its target, and what it changes there, by the target's name.

    A change that another one stands in the way of raises EndpointBusyError, and works later; one
    that AWS refuses raises EndpointRefusedError.
    """

    def describe(self, name: str) -> EndpointView | None:
        """The target as it is, or None where nothing serves it."""

    def create(self, name: str, config: str) -> None:
        """Let the target, which nothing serves, be served by `config`."""

    def update(self, name: str, config: str, *, keep_counts: bool = False) -> None:
        """Put the target on `config`; `keep_counts`: as many instances as serve now go on."""

    def set_weights(self, name: str, weights: Mapping[str, int]) -> None:
        """Split the traffic between the variants that stand there, in percent."""

    def delete(self, name: str) -> None:
        """Let nothing serve the target any more; safe to repeat."""


@dataclass(frozen=True, slots=True)
class Routers:
    """The router of each kind of target."""

    endpoint: Endpoint
    alias: Alias

    def of(self, target: str) -> TrafficRouter:
        """The one that splits this target's traffic."""
        return self.alias if names.system_of(target) is System.BEDROCK else self.endpoint
