"""A release as it will stand on its target: its names carry the epoch it is put there in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.rollout import Deployed

if TYPE_CHECKING:
    from sluice.domain.release import Release
    from sluice.domain.target import TargetState


def deployed(state: TargetState, release: Release) -> Deployed:
    """`release` as it will stand on its target in the next epoch."""
    endpoint, epoch = names.name_of(state.target), state.epoch + 1
    return Deployed(
        release=release.name,
        digest=release.digest,
        manifest_uri=release.manifest_uri,
        package_arn=release.package_arn,
        package_version=release.package_version,
        epoch=epoch,
        variant=names.variant(release.package_version, epoch=epoch),
        model=names.model(endpoint, release.package_version, epoch=epoch),
        endpoint_config=names.alone(endpoint, release.package_version, epoch=epoch),
        pair=release.pair,
    )


def again(state: TargetState, good: Deployed) -> Deployed:
    """`good` under the next epoch's names: a new variant inherits no metrics of its last time."""
    endpoint, epoch = names.name_of(state.target), state.epoch + 1
    return good.model_copy(
        update={
            "epoch": epoch,
            "variant": names.variant(good.package_version, epoch=epoch),
            "model": names.model(endpoint, good.package_version, epoch=epoch),
            "endpoint_config": names.alone(endpoint, good.package_version, epoch=epoch),
            "alarms": (),
        }
    )
