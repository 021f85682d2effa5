"""Two descriptions of AWS, member by member: what must be equal, and the little that may differ.

They are the same when they are equal in all that is told, but for a closed list: names and ARNs of
what was made, and times. A member that nobody here has heard of is compared like any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain import names
from sluice.domain.verifying import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    "version": (
        "FunctionName",
        "FunctionArn",
        "MasterArn",
        "Version",
        "RevisionId",
        "ConfigSha256",  # of these names, too
        "LastModified",
        "RuntimeVersionConfig.RuntimeVersionArn",
        f"Environment.Variables.{names.VERSION_VARIABLE}",  # of its own place: held by itself
    ),
}
"""Names, ARNs and times, by what is described; nothing else."""
NO_DESCRIPTION = (
    "ResponseMetadata",
    "DeploymentRecommendation",
    "LastDeploymentConfig",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "StateReason",
    "StateReasonCode",
)
"""Of the call, of what SageMaker would advise, of how the last change was made and went."""
COUNTS = (
    "ProductionVariants.*.InitialInstanceCount",
    "ProductionVariants.*.CurrentInstanceCount",
    "ProductionVariants.*.DesiredInstanceCount",
)
"""Of an endpoint that has served: autoscaling's to say, and told apart."""
# What DescribeModel and DescribeEndpointConfig say where nobody said anything.
_DEFAULTS = {"EnableNetworkIsolation": False, "PrimaryContainer.Mode": "SingleModel"}


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
        if value not in (None, "")
        and not _among(path, free)
        and (path not in _DEFAULTS or value != _DEFAULTS[path])
    }


def counts(described: Mapping[str, Any]) -> dict[str, Any]:
    """How many instances a description tells of, by path."""
    return {path: value for path, value in _leaves(described) if _among(path, COUNTS)}


def _plain(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """An archive is told twice of a model, and a function's log is named after it."""
    logging = described.get("LoggingConfig") or {}
    if logging.get("LogGroup") == f"/aws/lambda/{described.get('FunctionName')}":
        rest = {name: value for name, value in logging.items() if name != "LogGroup"}
        return {**described, "LoggingConfig": rest}
    container = described.get("PrimaryContainer") or {}
    source = {"S3Uri": container.get("ModelDataUrl"), "S3DataType": "S3Object"}
    archive = {"S3DataSource": {**source, "CompressionType": "Gzip"}}
    if container.get("ModelDataUrl") is None or container.get("ModelDataSource") != archive:
        return described
    rest = {name: value for name, value in container.items() if name != "ModelDataSource"}
    return {**described, "PrimaryContainer": rest}


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
