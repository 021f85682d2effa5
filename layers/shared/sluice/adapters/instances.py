"""SageMaker: how many instances of which type every endpoint of the account uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.adapters.quotas import QuotaUnreadableError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

    from sluice.domain.quota import Fleet

_MOST_ENDPOINTS = 200
"""Two calls for each: more than these do not fit into a function's time."""
_GONE = "Could not find"


class Instances:
    """The fleets of endpoints."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def in_use(self) -> dict[str, Fleet]:
        """The instances each endpoint has, or is being given. Raises QuotaUnreadableError."""
        try:
            names = self._endpoints()
            if len(names) > _MOST_ENDPOINTS:
                message = f"there are more than {_MOST_ENDPOINTS} endpoints to count"
                raise QuotaUnreadableError(message)
            return {name: self._fleet(name) for name in names}
        except (ClientError, BotoCoreError) as error:
            message = f"instances in use: {error}"
            raise QuotaUnreadableError(message) from error

    def _endpoints(self) -> list[str]:
        pages = self._client.get_paginator("list_endpoints").paginate()
        return [one["EndpointName"] for page in pages for one in page["Endpoints"]]

    def _fleet(self, name: str) -> Fleet:
        try:
            endpoint: Any = self._client.describe_endpoint(EndpointName=name)
            serving = endpoint.get("ProductionVariants", [])
            types = self._types(endpoint["EndpointConfigName"]) if serving else {}
        except ClientError as error:
            if _GONE in error.response["Error"].get("Message", ""):  # deleted meanwhile
                return ()
            raise
        coming = endpoint.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
        types |= {one["VariantName"]: one.get("InstanceType", "") for one in coming}
        named = [(types.get(one["VariantName"], ""), _count(one)) for one in (*serving, *coming)]
        return tuple((type_, count) for type_, count in named if type_)

    def _types(self, config: str) -> dict[str, str]:
        found = self._client.describe_endpoint_config(EndpointConfigName=config)
        return {
            one["VariantName"]: one.get("InstanceType", "") for one in found["ProductionVariants"]
        }


def _count(variant: Any) -> int:
    counts: tuple[int, ...] = (
        variant.get("CurrentInstanceCount", 0),
        variant.get("DesiredInstanceCount", 0),
    )
    return max(counts)
