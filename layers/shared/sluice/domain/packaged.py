"""The package in the registry and what a container runs, held against a release's manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain.manifest import Manifest
from sluice.domain.package import (
    MANIFEST_URI,
    RELEASE_DIGEST,
    customer_metadata,
    specification,
    weights_of,
)
from sluice.domain.release import ApprovalStatus
from sluice.domain.verifying import Check, Unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sluice.domain.bedrock_manifest import AnyManifest
    from sluice.domain.rollout import Deployed
    from sluice.domain.verifying import Packaged

_LISTS = (
    "SupportedContentTypes",
    "SupportedRealtimeInferenceInstanceTypes",
    "SupportedResponseMIMETypes",
)
_OF_CONTAINER = {"Image", "ModelDataUrl", "ModelDataSource", "Environment"}
_BY_SAGEMAKER = {"ImageDigest", "ModelDataETag", "IsCheckpoint"}
"""What SageMaker may say of a container that nobody told it (ModelPackageContainerDefinition)."""


def package_checks(
    live: Deployed,
    manifest: AnyManifest,
    digest: str,
    package: Packaged | Unread | None,
    *,
    leaving: bool = False,
) -> Iterator[Check]:
    """The package in the registry: approved, of this release, and running what was registered.

    What is `leaving` already need not be approved.
    """
    of = f"package of {live.release}"
    if package is None or isinstance(package, Unread):
        yield Check(of, live.package_arn, package, opens=True)
        return
    if not leaving:
        yield Check(f"approval of the {of}", str(ApprovalStatus.APPROVED), str(package.approval))
    said = customer_metadata(manifest, digest)
    for name in (RELEASE_DIGEST, MANIFEST_URI):
        yield Check(f"{name} of the {of}", said[name], package.metadata.get(name))
    yield from _specification_checks(of, manifest, digest, package.specification)


def container_checks(
    of: str, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Check]:
    """Image, artifact and environment of a container; SageMaker tells no empty environment."""
    yield Check(f"Image of the {of}", expected["Image"], found.get("Image"))
    yield _weights_check(of, weights_of(expected), weights_of(found))
    environment = expected.get("Environment") or {}
    yield Check(f"environment of the {of}", environment, dict(found.get("Environment") or {}))


def _weights_check(of: str, expected: dict[str, Any], found: dict[str, Any]) -> Check:
    """One URL is told as such; anything else whole, or else what was added would not be told."""
    (name,) = expected
    if found.keys() <= expected.keys():
        return Check(f"{name} of the {of}", expected[name], found.get(name))
    return Check(f"{name} of the {of}", expected, found)


def _specification_checks(
    of: str, manifest: AnyManifest, digest: str, found: Mapping[str, Any]
) -> Iterator[Check]:
    containers = found.get("Containers") or []
    if not isinstance(manifest, Manifest):
        yield Check(f"containers of the {of}", 0, len(containers))
        return
    wanted = specification(manifest, digest)
    (container,) = wanted["Containers"]
    yield Check(f"containers of the {of}", 1, len(containers))
    if len(containers) == 1:
        yield from container_checks(of, container, containers[0])
        others = _others(containers[0], _OF_CONTAINER | _BY_SAGEMAKER)
        yield Check(f"what else the container of the {of} has", {}, others)
    for name in _LISTS:
        listed = sorted(wanted.get(name, [])), sorted(found.get(name) or [])
        yield Check(f"{name} of the {of}", *listed)
    yield Check(f"what else the {of} has", {}, _others(found, {"Containers", *_LISTS}))


def _others(found: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    return {name: one for name, one in found.items() if one and name not in known}
