"""Service Quotas: how many instances of a type the account may use for endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_service_quotas import ServiceQuotasClient


class QuotaUnreadableError(Exception):
    """What is allowed, or used, cannot be found out; the message says why."""


class Quotas:
    """The account's applied quotas of SageMaker in this Region."""

    def __init__(self, client: ServiceQuotasClient) -> None:
        self._client = client

    def endpoint_instances(self, instance_type: str) -> int:
        """The applied quota `{instance_type} for endpoint usage`. Raises QuotaUnreadableError.

        Its code differs by instance type and is published nowhere, so it is found by its name.
        Nothing is remembered: a quota that was raised a minute ago counts.
        """
        name = f"{instance_type} for endpoint usage"
        pages = self._client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        try:
            for page in pages:
                for quota in page["Quotas"]:
                    if quota.get("QuotaName") == name and "Value" in quota:
                        return int(quota["Value"])
        except (ClientError, BotoCoreError) as error:
            message = f"{name}: {error}"
            raise QuotaUnreadableError(message) from error
        # "If the applied quota value is not available for a quota, the quota is not retrieved."
        message = f"{name}: Service Quotas lists no applied value"
        raise QuotaUnreadableError(message)
