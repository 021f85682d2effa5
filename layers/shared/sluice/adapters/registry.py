"""The SageMaker model registry: groups and the model packages in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.domain.inbox import EVALUATION
from sluice.domain.manifest import MANIFEST, Manifest, manifest_uri
from sluice.domain.package import client_token, customer_metadata, description, specification
from sluice.domain.release import UNKNOWN, ApprovalStatus
from sluice.domain.verifying import Packaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_sagemaker import SageMakerClient

    from sluice.domain.bedrock_manifest import AnyManifest

_INVALID = "ValidationException"
_LONGEST_DESCRIPTION = 1024
_GROUP_DESCRIPTION = "Versions registered by Sluice, each from one folder of the artifact bucket."


class RegistryRefusedError(Exception):
    """SageMaker calls the request invalid; sending it again would not help."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model package as a list shows it: no metadata, no containers."""

    arn: str
    version: int
    approval: ApprovalStatus
    created: datetime


@dataclass(frozen=True, slots=True)
class Package:
    """A model package."""

    arn: str
    group: str
    version: int
    approval: ApprovalStatus
    created: datetime
    last_modified: datetime
    last_modified_by: str
    """ARN of whoever last changed anything about it, or `unknown`: no proof of who approved."""
    metadata: dict[str, str]
    specification: dict[str, Any]
    """Its InferenceSpecification, as SageMaker tells it; empty where it has none."""


class Registry:
    """Model package groups and model packages."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def describe(self, arn: str) -> Package:
        """The package as it is now."""
        # MetadataOnly leaves out the model card alone, and needs no key to read that.
        return _package(
            self._client.describe_model_package(ModelPackageName=arn, IncludedData="MetadataOnly")
        )

    def find(self, arn: str) -> Package | None:
        """The package as it is now, or None when it was deleted."""
        try:
            return self.describe(arn)
        except ClientError as error:
            if _is_gone(error):
                return None
            raise

    def packaged(self, arn: str) -> Packaged | None:
        """What the package says of its release now, or None when it was deleted."""
        found = self.find(arn)
        return Packaged(found.approval, found.metadata, found.specification) if found else None

    def packages(self, group: str, *, approval: ApprovalStatus | None = None) -> Iterator[Listed]:
        """Packages of `group`, newest first; none for a group that does not exist yet.

        ListModelPackages sorts ascending and returns ten at a time unless told otherwise. It never
        says which package a rollback should use; that is the ledger's `last_good`.
        """
        pages = self._pages(group, approval)
        try:
            first = next(pages)
        except ClientError as error:
            if not _is_invalid(error):
                raise
            if not self._has_group(group):
                return
            pages = self._pages(group, approval)  # somebody has just created it, or we ask wrongly
            first = next(pages)
        for page in chain([first], pages):
            yield from map(_listed, page["ModelPackageSummaryList"])

    def reject(self, arn: str, reason: str) -> None:
        """Set the package to Rejected and say why; one that was deleted needs no rejection."""
        try:
            self._client.update_model_package(
                ModelPackageArn=arn,
                ModelApprovalStatus="Rejected",
                ApprovalDescription=reason[:_LONGEST_DESCRIPTION],
            )
        except ClientError as error:
            if not _is_gone(error):
                raise

    def register(self, manifest: AnyManifest, digest: str) -> str:
        """Create the release's package, and its group when absent; its ARN.

        It is pending approval, or Rejected where it misses a gate of the evaluation policy.
        Raises RegistryRefusedError when SageMaker calls the package itself invalid.
        """
        request = _request(manifest, digest)
        try:
            return self._create(request)
        except RegistryRefusedError:
            # An absent group is told by the same code as an invalid package, and may exist by now:
            # only a refusal while it does is the package's.
            self._create_group(manifest.release.group)
            return self._create(request)

    def _pages(self, group: str, approval: ApprovalStatus | None) -> Iterator[Any]:
        wanted: dict[str, Any] = {"ModelApprovalStatus": approval} if approval else {}
        return iter(
            self._client.get_paginator("list_model_packages").paginate(
                ModelPackageGroupName=group,
                SortBy="CreationTime",
                SortOrder="Descending",
                PaginationConfig={"PageSize": 100},
                **wanted,
            )
        )

    def _create(self, request: dict[str, Any]) -> str:
        try:
            return self._client.create_model_package(**request)["ModelPackageArn"]
        except ClientError as error:
            if _is_invalid(error):
                raise RegistryRefusedError(str(error)) from error
            raise

    def _create_group(self, group: str) -> None:
        try:
            self._client.create_model_package_group(
                ModelPackageGroupName=group, ModelPackageGroupDescription=_GROUP_DESCRIPTION
            )
        except ClientError as error:
            if not _is_invalid(error) or not self._has_group(group):
                raise

    def _has_group(self, group: str) -> bool:
        try:
            self._client.describe_model_package_group(ModelPackageGroupName=group)
        except ClientError as error:
            if _is_invalid(error):
                return False
            raise
        return True


def _request(manifest: AnyManifest, digest: str) -> dict[str, Any]:
    release = manifest.release
    missed = manifest.gates.missed if manifest.gates else ()
    vault = manifest_uri(manifest.bucket, release, digest).removesuffix(MANIFEST)
    statistics = {"ContentType": "application/json", "S3Uri": f"{vault}{EVALUATION}"}
    runs = specification(manifest, digest) if isinstance(manifest, Manifest) else {}
    return {
        "ModelPackageGroupName": release.group,
        "ModelPackageDescription": description(manifest),
        # Not rejected later: there is no moment at which it could be approved unawares.
        "ModelApprovalStatus": "Rejected" if missed else "PendingManualApproval",
        **({"InferenceSpecification": runs} if runs else {}),
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}},
        "MetadataProperties": {"CommitId": manifest.commit},
        "CustomerMetadataProperties": customer_metadata(manifest, digest),
        "ClientToken": client_token(manifest, digest),
    }


def _listed(summary: Any) -> Listed:
    return Listed(
        arn=summary["ModelPackageArn"],
        version=summary["ModelPackageVersion"],
        approval=ApprovalStatus(summary["ModelApprovalStatus"]),
        created=summary["CreationTime"],
    )


def _package(found: Any) -> Package:
    modifier = found.get("LastModifiedBy") or found.get("CreatedBy") or {}
    return Package(
        arn=found["ModelPackageArn"],
        group=found["ModelPackageGroupName"],
        version=found["ModelPackageVersion"],
        approval=ApprovalStatus(found["ModelApprovalStatus"]),
        created=found["CreationTime"],
        # A package nobody changed since it was created has no LastModifiedTime.
        last_modified=found.get("LastModifiedTime") or found["CreationTime"],
        last_modified_by=modifier.get("IamIdentity", {}).get("Arn", UNKNOWN),
        metadata=found.get("CustomerMetadataProperties", {}),
        specification=found.get("InferenceSpecification", {}),
    )


def _is_invalid(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == _INVALID


def _is_gone(error: ClientError) -> bool:
    """SageMaker models no such error: "ModelPackage arn:… does not exist." is a validation's."""
    return _is_invalid(error) and "does not exist" in error.response["Error"].get("Message", "")
