"""Whether a release that was built again is the same: what AWS says of the one and of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.domain import making, names
from sluice.domain.blueprint import vault_folder
from sluice.domain.deploying import fleet
from sluice.domain.describing import COUNTS, counts, differences
from sluice.domain.statuses import IN_SERVICE
from sluice.domain.values import ALL_TRAFFIC
from sluice.domain.verifying import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sluice.domain.bedrock_manifest import BedrockManifest
    from sluice.domain.manifest import Manifest

_WEIGHT = float(ALL_TRAFFIC)


@dataclass(frozen=True, slots=True)
class Descriptions:
    """An endpoint, its configuration and the one model in it, as SageMaker describes them."""

    endpoint: Mapping[str, Any]
    config: Mapping[str, Any]
    model: Mapping[str, Any]

    def parts(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each with what it is a description of."""
        yield "model", self.model
        yield "endpoint configuration", self.config
        yield "endpoint", self.endpoint


@dataclass(frozen=True, slots=True)
class Places:
    """Where a reproduction has its artifacts and its image from, and what it runs as."""

    role: str
    folder: str
    """`s3://bucket/releases/churn/v4-0123456789ab/`"""
    image: str


def own_places(manifest: Manifest, digest: str, *, role: str) -> Places:
    """The release's own."""
    folder = f"s3://{manifest.bucket}/{vault_folder(manifest, digest)}"
    return Places(role, folder, manifest.image)


def release_checks(
    manifest: Manifest, digest: str, found: Descriptions, places: Places
) -> Iterator[Check]:
    """The reproduction beside its manifest: all of model and configuration, and what serves."""
    own = own_places(manifest, digest, role=places.role)
    runs = _moved(making.container(manifest, digest), own, places)
    wanted = making.model("", runs=runs, role_arn=places.role)
    yield from differences("model", wanted, found.model)
    count = manifest.config.instance_count
    variant = making.production_variant("", model="", fleet=fleet(manifest, count=count))
    yield from differences(
        "endpoint configuration", making.config("", variants=[variant]), found.config
    )
    yield Check("EndpointStatus of endpoint", IN_SERVICE, found.endpoint.get("EndpointStatus"))
    serving = found.endpoint.get("ProductionVariants") or []
    named = [one["VariantName"] for one in found.config.get("ProductionVariants") or []]
    yield Check("variants of endpoint", named, [one["VariantName"] for one in serving])
    for one in serving:
        yield from _serving_checks(one, manifest, image=places.image)


def original_checks(
    original: Descriptions, found: Descriptions, own: Places, places: Places
) -> Iterator[Check]:
    """The reproduction beside the original, member by member; counts apart (`scale`)."""
    for (what, before), (_, after) in zip(original.parts(), found.parts(), strict=True):
        moved = {**_moved(before, own, places)}
        if what == "model":
            moved["ExecutionRoleArn"] = places.role
        yield from differences(what, moved, after, besides=COUNTS)


def version_checks(
    manifest: BedrockManifest,
    told_release: str,
    original: Mapping[str, Any] | None,
    found: Mapping[str, Any],
) -> Iterator[Check]:
    """A function's version beside its manifest, and beside the original's where that is there.

    Both are GetFunctionConfiguration's; `told_release` is what it is to be told that it serves.
    """
    code, variables = manifest.code, (found.get("Environment") or {}).get("Variables", {})
    yield Check(
        f"{names.VERSION_VARIABLE} of version", told_release, variables.get(names.VERSION_VARIABLE)
    )
    yield Check("CodeSha256 of version", code.sha256 if code else "", found.get("CodeSha256"))
    layers = [one["Arn"] for one in found.get("Layers") or []]
    yield Check("layers of version", list(code.layers) if code else [], layers)
    if original is not None:
        yield from differences("version", original, found)


def scale(of: Descriptions) -> dict[str, Any]:
    """How many instances are told of, by what says so."""
    return {
        f"{path} of {what}": value
        for what, described in of.parts()
        for path, value in sorted(counts(described).items())
    }


def _serving_checks(
    variant: Mapping[str, Any], manifest: Manifest, *, image: str
) -> Iterator[Check]:
    for name in ("CurrentWeight", "DesiredWeight"):
        yield Check(f"{name} of endpoint", _WEIGHT, variant.get(name))
    if manifest.config.serverless is None:
        for name in ("CurrentInstanceCount", "DesiredInstanceCount"):
            yield Check(f"{name} of endpoint", manifest.config.instance_count, variant.get(name))
    images = [one.get("SpecifiedImage") for one in variant.get("DeployedImages") or []]
    if images:
        yield Check("SpecifiedImage of endpoint", [image], images)


def _moved(value: Any, own: Places, places: Places) -> Any:
    """What is said of the release's own places, said of the others; an environment stays."""
    if isinstance(value, dict):
        return {
            name: one if name == "Environment" else _moved(one, own, places)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_moved(one, own, places) for one in value]
    if not isinstance(value, str):
        return value
    pairs = ((own.folder, places.folder), (_repository(own.image), _repository(places.image)))
    for before, after in pairs:
        if value.startswith(before):
            return after + value.removeprefix(before)
    return value


def _repository(image: str) -> str:
    return image.rpartition("@")[0] + "@"
