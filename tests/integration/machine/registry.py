"""The model registry of an account: packages, who changed them last, and the events of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.builders import ACCOUNT, a_package_arn
from tests.integration.machine.refusal import invalid

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.machine.clock import Clock

type Request = dict[str, Any]

_US = f"arn:aws:sts::{ACCOUNT}:assumed-role/sluice-settle-rollout/settle"


@dataclass
class FakePackage:
    """One model package."""

    group: str
    version: int
    metadata: dict[str, str]
    specification: Request = field(default_factory=dict)
    """Its InferenceSpecification; an application's has none."""
    status: str = "PendingManualApproval"
    modified: datetime | None = None
    actor: str = "unknown"

    @property
    def arn(self) -> str:
        """What the ledger knows it by."""
        return a_package_arn(self.version, self.group)


@dataclass
class FakeRegistry:
    """Every package, and those whose change nobody was told of yet."""

    clock: Clock
    packages: dict[str, FakePackage] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def describe_model_package(self, asked: Request) -> Request:
        """The package with its containers and metadata."""
        one = self._existing(asked["ModelPackageName"])
        modified = {"LastModifiedTime": one.modified} if one.modified else {}
        runs = {"InferenceSpecification": one.specification} if one.specification else {}
        return {
            **_summary(one, self.clock),
            **modified,
            "LastModifiedBy": {"IamIdentity": {"Arn": one.actor}},
            "CustomerMetadataProperties": one.metadata,
            **runs,
        }

    def list_model_packages(self, asked: Request) -> Request:
        """Everything in the group, in one page."""
        found = [
            one for one in self.packages.values() if one.group == asked["ModelPackageGroupName"]
        ]
        return {"ModelPackageSummaryList": [_summary(one, self.clock) for one in found[::-1]]}

    def describe_model_package_group(self, asked: Request) -> Request:
        """Every group exists."""
        return {"ModelPackageGroupName": asked["ModelPackageGroupName"]}

    def update_model_package(self, asked: Request) -> Request:
        """We change a status."""
        self.decide(asked["ModelPackageArn"], asked["ModelApprovalStatus"], by=_US)
        return {"ModelPackageArn": asked["ModelPackageArn"]}

    def decide(self, arn: str, status: str, *, by: str) -> None:
        """Somebody sets the package's status; SageMaker says so even if it was set already."""
        one = self._existing(arn)
        one.status, one.actor, one.modified = status, by, self.clock.now
        self.changed.append(arn)

    def _existing(self, arn: str) -> FakePackage:
        if arn not in self.packages:
            raise invalid(f"ModelPackage {arn} does not exist.")
        return self.packages[arn]


def _summary(one: FakePackage, clock: Clock) -> Request:
    return {
        "ModelPackageArn": one.arn,
        "ModelPackageGroupName": one.group,
        "ModelPackageVersion": one.version,
        "ModelApprovalStatus": one.status,
        "CreationTime": one.modified or clock.now,
    }
