"""Where a container's model data comes from: what SageMaker takes, and what contradicts itself.

Model: sagemaker.S3ModelDataSource
"""

from collections.abc import Iterable
from typing import Any

from localcloud.sagemaker.errors import invalid

_KINDS = {("S3Prefix", "None"), ("S3Object", "None"), ("S3Object", "Gzip")}
"""Those that the documentation of CompressionType explains; no other is."""


def check(containers: Iterable[dict[str, Any]]) -> None:
    """Raise ValidationException for model data that SageMaker could not make sense of."""
    for container in containers:
        if "ModelDataUrl" in container and "ModelDataSource" in container:
            raise invalid("Specify either ModelDataUrl or ModelDataSource, not both.")
        source = source_of(container)
        if source is None:
            continue
        kind, compression = source["S3DataType"], source["CompressionType"]
        if (kind, compression) not in _KINDS:
            raise invalid(f"CompressionType {compression} cannot be used with {kind}.")
        if kind == "S3Prefix" and not source["S3Uri"].endswith("/"):
            raise invalid(f"An S3Prefix must end with a forward slash: {source['S3Uri']}")


def check_specification(specification: dict[str, Any] | None) -> None:
    """The same of a package's InferenceSpecification, where it has one."""
    check((specification or {}).get("Containers", []))


def check_serverless(container: dict[str, Any]) -> None:
    """Raise ValidationException for a data source where no instance could load it.

    "Currently you cannot use ModelDataSource in conjunction with … SageMaker serverless endpoints".
    Model: sagemaker.ContainerDefinition
    """
    if source_of(container):
        raise invalid("ModelDataSource is not supported for serverless endpoints.")


def source_of(container: dict[str, Any]) -> dict[str, Any] | None:
    """The container's S3DataSource, or None where it names a tar ball, or nothing."""
    found: dict[str, Any] | None = container.get("ModelDataSource", {}).get("S3DataSource")
    return found
