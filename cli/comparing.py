"""A reproduction beside its manifest, and beside the original where that still serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.adapters.endpoint import missing
from sluice.domain.sameness import (
    Descriptions,
    Places,
    original_checks,
    own_places,
    release_checks,
    scale,
)
from sluice.domain.verifying import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.originals import Original
    from sluice.domain.manifest import Manifest


class Comparing:
    """Endpoints of the original's account and of the reproduction's, which may be one."""

    def __init__(self, here: Any, there: Any) -> None:
        self._here, self._there = here, there

    def checks(
        self, original: Original, manifest: Manifest, name: str, places: Places
    ) -> tuple[list[Check], list[str]]:
        """What must be equal, and what else is to be said: of the original, and how it has scaled.

        `places` are the reproduction's.
        """
        found = described(self._there, name)
        if not isinstance(found, Descriptions):
            return [found], []
        checks = list(release_checks(manifest, original.digest, found, places))
        first = described(self._here, manifest.target)
        own = own_places(manifest, original.digest, role=places.role)
        if not isinstance(first, Descriptions):
            return checks, [f"{first.what} cannot be compared with: {first.found or 'gone'}"]
        if not _serves(first, own):
            return checks, [f"endpoint {manifest.target} serves another release now"]
        checks += original_checks(first, found, own, places)
        return checks, list(_scaled(first, found))


def described(sagemaker: Any, name: str) -> Descriptions | Check:
    """An endpoint with one variant and what it is made of; or what it is instead."""
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        config = sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint.get("EndpointConfigName", "")
        )
        variants = config["ProductionVariants"]
        if len(variants) != 1:
            names = ", ".join(one["VariantName"] for one in variants)
            return Check(f"variants of endpoint {name}", "one", names)
        model = sagemaker.describe_model(ModelName=variants[0].get("ModelName", ""))
    except ClientError as error:
        if not missing(error):
            raise
        return Check(f"endpoint {name}", "with its configuration and model", None)
    return Descriptions(endpoint, config, model)


def _serves(found: Descriptions, own: Places) -> bool:
    """Whether an endpoint's model has its artifacts from the release's folder."""
    container = found.model.get("PrimaryContainer", {})
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    places = (container.get("ModelDataUrl"), source.get("S3Uri"))
    return any(str(one).startswith(own.folder) for one in places)


def _scaled(first: Descriptions, found: Descriptions) -> Iterator[str]:
    """Of the original's counts those that are others, which is autoscaling's to say."""
    before, after = scale(first), scale(found)
    for what in sorted({*before, *after}):
        if before.get(what) != after.get(what):
            yield f"{what}: {before.get(what)} of the original, {after.get(what)} here"
