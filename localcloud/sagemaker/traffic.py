"""Which container takes a request: by fleet while a guarded deployment has two, then by weight."""

import random
from dataclasses import dataclass, replace

from localcloud.sagemaker.container import Container
from localcloud.sagemaker.fleet import Fleet
from localcloud.sagemaker.state import Variant, lock


class NotServingError(Exception):
    """No container is there for the request."""


@dataclass(frozen=True, slots=True)
class Side:
    """A fleet and the variants, with their weights, that it serves for a configuration."""

    config: str
    variants: list[Variant]
    fleet: Fleet


@dataclass(frozen=True, slots=True)
class Route:
    """The fleet that serves and, for a share of the requests, the one that is to replace it.

    `updated`: it replaced another one. From then on CloudWatch has its metrics by configuration
    too, "even after the deployment is complete" (deployment-guardrails-configuration).
    """

    blue: Side
    green: Side | None = None
    share: float = 0.0
    updated: bool = False

    def side(self) -> Side:
        """The fleet for the next request."""
        return self.green if self.green and random.random() < self.share else self.blue


@dataclass(frozen=True, slots=True)
class Chosen:
    """Where a request goes; `config` is told while two fleets serve, and after an update."""

    variant: str
    container: Container
    config: str | None


_routes: dict[str, Route] = {}


def serve(endpoint: str, side: Side) -> Fleet:
    """Let `side` alone take the traffic from now on; return the fleet it replaces."""
    with lock:
        replaced = _routes.get(endpoint)
        _routes[endpoint] = Route(side, updated=replaced is not None)
    return replaced.blue.fleet if replaced else {}


def share(endpoint: str, green: Side, part: float) -> None:
    """Let `green` take part of the traffic beside the fleet that serves."""
    with lock:
        _routes[endpoint] = replace(_routes[endpoint], green=green, share=part)


def withdraw(endpoint: str) -> None:
    """Give all traffic back to the fleet that served before."""
    with lock:
        if endpoint in _routes:
            _routes[endpoint] = replace(_routes[endpoint], green=None, share=0.0)


def remove(endpoint: str) -> Fleet:
    """No more traffic; return the fleet that served."""
    with lock:
        removed = _routes.pop(endpoint, None)
    return removed.blue.fleet if removed else {}


def endpoints() -> list[str]:
    """Every endpoint that takes traffic."""
    with lock:
        return list(_routes)


def choose(endpoint: str, target: str | None) -> Chosen:
    """A variant by weight, or the one asked for; its container is held for one request.

    Raises NotServingError when nothing serves, KeyError when `target` is no variant.
    """
    with lock:
        route = _routes.get(endpoint)
        if route is None:
            raise NotServingError
        side = route.side()
        variant = target if target is not None else _by_weight(side.variants)
        container = side.fleet[variant]
        if not container.hold():
            raise NotServingError
        told = route.green is not None or route.updated
        return Chosen(variant, container, side.config if told else None)


def _by_weight(variants: list[Variant]) -> str:
    weights = [variant.current_weight for variant in variants]
    return random.choices([variant.name for variant in variants], weights)[0]
