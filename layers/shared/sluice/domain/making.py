"""What SageMaker is asked to make of a release: a model, a configuration of variants, an endpoint.

Each function gives the whole request. A rollout sends it; a blueprint has the same members as the
properties of a CloudFormation resource, so that neither can say what the other does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain.manifest import model_data
from sluice.domain.values import ALL_TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sluice.domain.manifest import Manifest

    type Said = str | Mapping[str, Any]
    """A name as it is, or what stands for it in a template."""


def container(manifest: Manifest, digest: str) -> dict[str, Any]:
    """What a model of the release runs."""
    return {
        "Image": manifest.image,
        **model_data(manifest, digest),
        "Environment": manifest.config.environment,
    }


def model(name: Said, *, runs: Mapping[str, Any], role_arn: Said) -> dict[str, Any]:
    """CreateModel's request; `runs` is its container."""
    return {"ModelName": name, "PrimaryContainer": dict(runs), "ExecutionRoleArn": role_arn}


def production_variant(name: str, *, model: Said, fleet: Mapping[str, Any]) -> dict[str, Any]:
    """One production variant of an endpoint configuration, with all traffic."""
    weight = float(ALL_TRAFFIC)
    return {"VariantName": name, "ModelName": model, **fleet, "InitialVariantWeight": weight}


def config(name: Said, *, variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """CreateEndpointConfig's request."""
    return {"EndpointConfigName": name, "ProductionVariants": [dict(one) for one in variants]}


def endpoint(name: Said, *, config: Said) -> dict[str, Any]:
    """CreateEndpoint's request."""
    return {"EndpointName": name, "EndpointConfigName": config}
