"""Whether a release that was built again is the same: what AWS says of the one and of the other.

Two descriptions are the same when they are equal in all that is told, but for a closed list: names
and ARNs of what was made, and times. A member that nobody here has heard of is compared like any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.domain import making
from sluice.domain.blueprint import vault_folder
from sluice.domain.deploying import fleet
from sluice.domain.statuses import IN_SERVICE
from sluice.domain.values import ALL_TRAFFIC
from sluice.domain.verifying import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sluice.domain.manifest import Manifest

MAY_DIFFER = {
    "model": ("ModelName", "ModelArn", "CreationTime"),
    "endpoint configuration": (
        "EndpointConfigName",
        "EndpointConfigArn",
        "CreationTime",
        "ProductionVariants.*.VariantName",
        "ProductionVariants.*.ModelName",
    ),
    "endpoint": (
        "EndpointName",
        "EndpointArn",
        "EndpointConfigName",
        "CreationTime",
        "LastModifiedTime",
        "ProductionVariants.*.VariantName",
        "ProductionVariants.*.DeployedImages.*.ResolutionTime",
    ),
}
"""Names, ARNs and times, by what is described; nothing else."""
NO_DESCRIPTION = ("ResponseMetadata", "DeploymentRecommendation", "LastDeploymentConfig")
"""Of the call, of what SageMaker would advise, of how the last change was made."""
COUNTS = (
    "ProductionVariants.*.InitialInstanceCount",
    "ProductionVariants.*.CurrentInstanceCount",
    "ProductionVariants.*.DesiredInstanceCount",
)
"""Of an endpoint that has served: autoscaling's to say, and told apart."""
# What DescribeModel and DescribeEndpointConfig say where nobody said anything.
_DEFAULTS = {"EnableNetworkIsolation": False, "PrimaryContainer.Mode": "SingleModel"}
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


def scale(of: Descriptions) -> dict[str, Any]:
    """How many instances are told of, by what says so."""
    flat = {
        f"{path} of {what}": value
        for what, described in of.parts()
        for path, value in _leaves(described)
        if _among(path, COUNTS)
    }
    return dict(sorted(flat.items()))


def differences(
    what: str,
    expected: Mapping[str, Any],
    found: Mapping[str, Any],
    *,
    besides: tuple[str, ...] = (),
) -> Iterator[Check]:
    """Every member of two descriptions that must be equal, by its path."""
    wanted, seen = told(what, expected, besides), told(what, found, besides)
    for path in sorted({*wanted, *seen}):
        yield Check(f"{path} of {what}", wanted.get(path), seen.get(path))


def told(what: str, described: Mapping[str, Any], besides: tuple[str, ...] = ()) -> dict[str, Any]:
    """A description without what may differ: each value by its path, with no empty ones."""
    free = (*MAY_DIFFER[what], *NO_DESCRIPTION, *besides)
    return {
        path: value
        for path, value in _leaves(_plain(described))
        if not _among(path, free) and (path not in _DEFAULTS or value != _DEFAULTS[path])
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


def _plain(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model's data is told twice where an archive is meant; once is enough."""
    container = described.get("PrimaryContainer") or {}
    source = {"S3Uri": container.get("ModelDataUrl"), "S3DataType": "S3Object"}
    archive = {"S3DataSource": {**source, "CompressionType": "Gzip"}}
    if container.get("ModelDataUrl") is None or container.get("ModelDataSource") != archive:
        return described
    rest = {name: value for name, value in container.items() if name != "ModelDataSource"}
    return {**described, "PrimaryContainer": rest}


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


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    named = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, (list, tuple))
        else None
    )
    if named is None:
        yield path, value
        return
    for name, one in named:
        yield from _leaves(one, f"{path}.{name}" if path else str(name))


def _among(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether the path is, or leads into, what one of the patterns names; `*` is one step."""
    steps = path.split(".")
    return any(_begins(steps, pattern.split(".")) for pattern in patterns)


def _begins(steps: list[str], pattern: list[str]) -> bool:
    pairs = zip(steps, pattern, strict=False)
    return len(steps) >= len(pattern) and all(wild in {"*", step} for step, wild in pairs)
