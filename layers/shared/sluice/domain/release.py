"""A release: a captured version, its model package, and what people decided about it."""

from __future__ import annotations

from enum import StrEnum

from sluice.domain.values import SCHEMA_VERSION, Moment, Value


class System(StrEnum):
    """What a release is a version of, and so which inbox its folder lies in."""

    SAGEMAKER = "SageMaker"
    """A model with its container, from `models/{group}-v{N}/`; an endpoint serves it."""
    BEDROCK = "Bedrock"
    """An application's prompts and parameters, from `configs/{git-sha}/`."""


class ApprovalStatus(StrEnum):
    """SageMaker's `ModelApprovalStatus`, spelled as SageMaker does."""

    PENDING = "PendingManualApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"


class Capture(StrEnum):
    """How far the capture of a version folder has come."""

    CLAIMED = "Claimed"
    """The manifest is fixed; bytes may still be on their way to the vault."""
    REGISTERED = "Registered"
    """The vault is complete and the model package exists."""


UNKNOWN = "unknown"
"""The actor where SageMaker does not say who modified a package."""


class ApprovalChange(Value):
    """One change of approval status that we observed."""

    status: ApprovalStatus
    last_modified: Moment
    """SageMaker's `LastModifiedTime` of the package when it was observed."""
    actor: str
    """ARN of the last modifier, or `unknown`."""
    observed_at: Moment


class ReleaseName(Value):
    """What names a release for ever: the model package group and a number in it.

    A folder under `models/` is named after both. A folder under `configs/` is named after a commit
    and gets the next number of its application's group when it is claimed; until then it has none.
    """

    group: str
    version: int
    """From 1; 0 until a folder that is not named after it is claimed."""

    def __str__(self) -> str:
        return f"{self.group}-v{self.version}"


class Pair(Value):
    """A config and the model release it moves with; both releases record it."""

    model: ReleaseName
    digest: str
    """The model release's: what the config was approved with."""
    model_target: str
    """The endpoint that is to serve the model: `endpoint/reranker`."""
    config: ReleaseName
    config_target: str
    """`application/support`."""
    moves: bool = True
    """False: the model served, or was on its way, before the config was pushed. The config needs
    it and goes back with it; the model does not go back with the config, and records no pair."""

    def other(self, name: ReleaseName) -> ReleaseName:
        """The partner of one of the two."""
        return self.config if name == self.model else self.model

    def target_beside(self, name: ReleaseName) -> str:
        """The target of the partner of one of the two."""
        return self.config_target if name == self.model else self.model_target


class Retirement(Value):
    """Since when a release is not to be deployed any more, and its bytes may go."""

    at: Moment
    by: str
    """ARN of whoever said so."""
    why: str = ""
    expiring_since: Moment | None = None
    """Since when its objects in the vault are, or are being, tagged to expire."""


class Release(Value):
    """The ledger's record of a version: `RELEASE#group / V#version`."""

    schema_version: int = SCHEMA_VERSION
    name: ReleaseName
    system: System = System.SAGEMAKER
    capture: Capture
    digest: str
    """SHA-256 of the canonical manifest, 64 hex digits."""
    manifest_uri: str
    """`s3://bucket/releases/{group}/v{N}-{digest12}/manifest.json`."""
    target: str
    """The endpoint this version is to serve, or the Bedrock application."""
    package_arn: str = ""
    package_version: int = 0
    """SageMaker's `ModelPackageVersion`; variants are named after it."""
    approval: ApprovalStatus = ApprovalStatus.PENDING
    approvals: tuple[ApprovalChange, ...] = ()
    claimed_at: Moment
    registered_at: Moment | None = None
    pair: Pair | None = None
    """What the release moves with; a model's may be given to it long after it was registered."""
    missed: tuple[str, ...] = ()
    """What the evaluation policy misses of it, a line each: it was registered as Rejected then."""
    retired: Retirement | None = None

    def seen(self, change: ApprovalChange) -> Release:
        """The release with one more observed approval change."""
        return self.model_copy(
            update={"approval": change.status, "approvals": (*self.approvals, change)}
        )


def named(text: str) -> ReleaseName:
    """The release that `str` spells so: `churn-v4`. Raises ValueError for anything else."""
    group, _, version = text.rpartition("-v")
    return ReleaseName(group=group, version=int(version))
