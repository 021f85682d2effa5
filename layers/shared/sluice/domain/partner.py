"""Which model release a config may move with, and whether it moves that one at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.bedrock import PartnerModel
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.release import ApprovalStatus, Capture, Pair, ReleaseName, System
from sluice.domain.retirement import said

if TYPE_CHECKING:
    from sluice.domain.release import Release
    from sluice.domain.target import TargetState


@dataclass(frozen=True, slots=True)
class Named:
    """The release that a config names, with what the ledger says of it."""

    name: ReleaseName
    release: Release | None
    state: TargetState | None = None
    """Of its endpoint."""
    config: Release | None = None
    """The config that it is paired with already."""

    @property
    def moving(self) -> bool:
        """Whether it serves or is on its way there, and so waits for no config."""
        if self.state is None:
            return False
        rollout, live = self.state.rollout, self.state.live
        under_way = rollout is not None and not rollout.taken_back
        return (under_way and rollout is not None and rollout.release.release == self.name) or (
            live is not None and live.release == self.name
        )


def judge_partner(named: Named, *, application: str) -> PartnerModel | Refusal:
    """The partner of a config of `application`, or why the release cannot be that."""
    release = named.release
    if release is None or release.capture is not Capture.REGISTERED:
        detail = f"moves_with: {named.name} is not registered"
        return Refusal(reason=Reason.PARTNER_NOT_FOUND, detail=detail)
    if release.retired:
        detail = f"moves_with: {said(release)}"
        return Refusal(reason=Reason.PARTNER_NOT_FOUND, detail=detail)
    if release.system is not System.SAGEMAKER:
        detail = f"moves_with: {named.name} is a release of the application {release.target}"
        return Refusal(reason=Reason.PARTNER_NO_MODEL, detail=detail)
    refusal = _refuse_taken(named, release) or _refuse_bound(named, release, application)
    return refusal or PartnerModel(
        release=release.name, digest=release.digest, target=release.target
    )


def pair_of(partner: PartnerModel, *, config: ReleaseName, moves: bool) -> Pair:
    """The pair that a config makes with its partner."""
    return Pair(
        model=partner.release,
        digest=partner.digest,
        model_target=names.target_of(partner.target),
        config=config,
        config_target=names.target_of(config.group, System.BEDROCK),
        moves=moves,
    )


def _refuse_taken(named: Named, release: Release) -> Refusal | None:
    """A model that waits for one config cannot wait for another: unless that one is Rejected."""
    config = named.config
    over = config is not None and config.approval is ApprovalStatus.REJECTED
    if release.pair is None or named.moving or over:
        return None
    detail = f"moves_with: {named.name} moves with {release.pair.config} already"
    return Refusal(reason=Reason.PARTNER_TAKEN, detail=detail)


def _refuse_bound(named: Named, release: Release, application: str) -> Refusal | None:
    state = named.state
    endpoint = f"moves_with: the endpoint {release.target}"
    if state and state.owner not in {"", release.name.group}:
        detail = f"{endpoint} belongs to the group {state.owner}, so {named.name} cannot serve it"
        return Refusal(reason=Reason.PARTNER_BOUND, detail=detail)
    standing = state.live.pair if state and state.live else None
    ours = names.target_of(application, System.BEDROCK)
    if named.moving or standing is None or standing.config_target == ours:
        return None
    detail = f"{endpoint} serves {standing.model}, which moves with {standing.config}"
    return Refusal(reason=Reason.PARTNER_BOUND, detail=detail)
