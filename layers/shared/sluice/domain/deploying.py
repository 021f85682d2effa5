"""A release as it will stand on its target: its names carry the epoch it is put there in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sluice.domain import names
from sluice.domain.release import System
from sluice.domain.rollout import Deployed

if TYPE_CHECKING:
    from sluice.domain.manifest import Manifest
    from sluice.domain.release import Release
    from sluice.domain.target import TargetState

_UNPUBLISHED = {"variant": "", "model": "", "endpoint_config": ""}


def deployed(state: TargetState, release: Release) -> Deployed:
    """`release` as it will stand on its target in the next epoch.

    What a version of a function is called is known only when it has been published.
    """
    epoch = state.epoch + 1
    return Deployed(
        release=release.name,
        digest=release.digest,
        manifest_uri=release.manifest_uri,
        package_arn=release.package_arn,
        package_version=release.package_version,
        epoch=epoch,
        pair=release.pair,
        **_named(state, release.package_version, epoch=epoch, unnamed=_UNPUBLISHED),
    )


def again(state: TargetState, good: Deployed) -> Deployed:
    """`good` in the next epoch: a new variant inherits no metrics of its last time.

    A published version is the way back itself, and stays what it is.
    """
    epoch = state.epoch + 1
    named = _named(state, good.package_version, epoch=epoch, unnamed={})
    return good.model_copy(update={"epoch": epoch, "alarms": (), **named})


def fleet(manifest: Manifest, *, count: int) -> dict[str, Any]:
    """What a variant of this release runs on."""
    serverless = manifest.config.serverless
    if serverless is None:
        return {"InstanceType": manifest.config.instance_type, "InitialInstanceCount": count}
    config = {
        "MemorySizeInMB": serverless.memory_size_mb,
        "MaxConcurrency": serverless.max_concurrency,
        "ProvisionedConcurrency": serverless.provisioned_concurrency,
    }
    return {"ServerlessConfig": {name: one for name, one in config.items() if one is not None}}


def _named(
    state: TargetState, version: int, *, epoch: int, unnamed: dict[str, str]
) -> dict[str, str]:
    if names.system_of(state.target) is System.BEDROCK:
        return unnamed
    endpoint = names.name_of(state.target)
    return {
        "variant": names.variant(version, epoch=epoch),
        "model": names.model(endpoint, version, epoch=epoch),
        "endpoint_config": names.alone(endpoint, version, epoch=epoch),
    }
