"""SageMaker's events on the default bus, in the shapes AWS publishes.

SageMaker "may send multiple events to EventBridge for each state change", each with its own event
id. So does this one: `duplicates` is the share of changes that are told twice. Which ones is
determined: the fraction is added up, and whenever it passes one, the event goes out again.
"""

import os
import threading
from datetime import UTC, datetime
from typing import Any

from localcloud.bus import emit
from localcloud.sagemaker.state import Endpoint, Package, lock, state

duplicates = float(os.environ.get("LOCALCLOUD_SAGEMAKER_EVENT_DUPLICATES", "0.25"))

_PACKAGE_MEMBERS = (
    "InferenceSpecification",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "ModelLifeCycle",
)
# The event spells one field as no API does; fields that are not here are not named at all.
_UPDATED_FIELDS = {
    "ModelLifeCycle": "ModelLifeCycle",
    "ModelApprovalStatus": "ModelApprovalStatus",
    "ApprovalDescription": "ApprovalDescription",
    "SourceUri": "sourceUri",
    "CustomerMetadataProperties": "CustomerMetadataProperties",
    "InferenceSpecification": "InferenceSpecification",
}
_STATUS_WORDS = {"InService": "IN_SERVICE", "RollingBack": "ROLLING_BACK"}


class _Debt:
    """Repeated events that are owed, in fractions of one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed = 0.0

    def copies(self) -> int:
        """How often the next event goes out."""
        with self._lock:
            self._owed += duplicates
            if self._owed < 1:
                return 1
            self._owed -= 1
            return 2


_debt = _Debt()


def package_changed(package: Package, updated: list[str] | None = None) -> None:
    """Tell that a model package was created or, with the request's members in `updated`, changed.

    The event carries the current approval status whatever changed, and neither the approval
    description nor the customer metadata.
    """
    with lock:
        detail = _package_detail(package, updated)
    _send("SageMaker Model Package State Change", package.arn, detail)


def _package_detail(package: Package, updated: list[str] | None) -> dict[str, Any]:
    content = package.content
    detail: dict[str, Any] = {
        "ModelPackageArn": package.arn,
        "CreationTime": _iso(package.created),
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": content.get("CertifyForMarketplace", False),
        **{name: content[name] for name in _PACKAGE_MEMBERS if name in content},
    }
    if package.group is not None:
        detail |= {"ModelPackageGroupName": package.group, "ModelPackageVersion": package.version}
    if updated is not None:
        detail["UpdatedModelPackageFields"] = [
            _UPDATED_FIELDS[name] for name in updated if name in _UPDATED_FIELDS
        ]
    if package.modified is not None:
        detail["LastModifiedTime"] = _iso(package.modified)
    return detail


def endpoint_changed(endpoint: Endpoint) -> None:
    """Tell an endpoint's status, which the event spells `IN_SERVICE`, and its times in ms."""
    with lock:
        detail = _endpoint_detail(endpoint)
    _send("SageMaker Endpoint State Change", endpoint.arn, detail)


def _endpoint_detail(endpoint: Endpoint) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "ProductionVariants": [
            {
                "VariantName": variant.name,
                "CurrentWeight": variant.current_weight,
                "DesiredWeight": variant.desired_weight,
                "CurrentInstanceCount": float(variant.current_count),
                "DesiredInstanceCount": float(variant.desired_count),
            }
            for variant in endpoint.variants
        ],
        "EndpointStatus": _STATUS_WORDS.get(endpoint.status, endpoint.status.upper()),
        "CreationTime": endpoint.created * 1000,
        "LastModifiedTime": endpoint.modified * 1000,
        "Tags": dict(state.tags.get(endpoint.arn, {})),
    }
    if endpoint.failure:
        detail["FailureReason"] = endpoint.failure
    return detail


def _send(detail_type: str, arn: str, detail: dict[str, Any]) -> None:
    for _ in range(_debt.copies()):
        emit("aws.sagemaker", detail_type, [arn], detail)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
