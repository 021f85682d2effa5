"""SageMaker models, endpoint configurations, endpoints and the weights of their variants."""

from __future__ import annotations

import time
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.domain import making
from sluice.domain.unsafe import features
from sluice.domain.watching import EndpointView, VariantView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sagemaker import SageMakerClient

    from sluice.domain.refusal import Reason

_BUSY = "Cannot update in-progress endpoint"
UNTIL_FOUND = (0.5, 1.0, 2.0, 4.0)
"""Seconds, at most, before what was created a moment ago is asked for again."""
_jitter = SystemRandom()


class EndpointBusyError(Exception):
    """SageMaker refuses a change while the endpoint is Updating; the same call works later."""


class EndpointRefusedError(Exception):
    """SageMaker refuses a new configuration; in its words. It may have taken it all the same."""


class Endpoint:
    """SageMaker endpoints and what they are made of."""

    def __init__(
        self, client: SageMakerClient, *, rest: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._rest = rest

    def describe(self, name: str) -> EndpointView | None:
        """The endpoint as it is, or None when there is none."""
        try:
            found = self._client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if missing(error):
                return None
            raise
        return EndpointView(
            status=found["EndpointStatus"],
            config=found.get("EndpointConfigName", ""),
            variants={
                one["VariantName"]: _variant(one) for one in found.get("ProductionVariants", [])
            },
            failure=found.get("FailureReason", ""),
            pending=found.get("PendingDeploymentSummary", {}).get("EndpointConfigName", ""),
        )

    def features(self, name: str, config: str) -> frozenset[Reason]:
        """What the endpoint has that ours have not; nothing of what does not exist."""
        try:
            endpoint: Any = self._client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if missing(error):
                return frozenset()
            raise
        return features(endpoint, self._config(config) or {})

    def statuses(self) -> dict[str, str]:
        """The status of every endpoint there is, by name; the list may lag behind."""
        pages = self._client.get_paginator("list_endpoints").paginate(
            PaginationConfig={"PageSize": 100}
        )
        return {
            one["EndpointName"]: one["EndpointStatus"]
            for page in pages
            for one in page["Endpoints"]
        }

    def create_model(self, name: str, *, container: Mapping[str, Any], role_arn: str) -> None:
        """Create the model unless it exists; its name carries the epoch, so it is the same one."""
        try:
            self._client.create_model(**making.model(name, runs=container, role_arn=role_arn))
        except ClientError as error:
            if not _exists(error):
                raise

    def create_config(self, name: str, *, variants: list[dict[str, Any]]) -> None:
        """Create the endpoint configuration unless it exists."""
        try:
            self._until_found(
                lambda: self._client.create_endpoint_config(
                    **making.config(name, variants=variants)
                )
            )
        except ClientError as error:
            if not _exists(error):
                raise

    def has_config(self, name: str) -> bool:
        """Whether the endpoint configuration still exists."""
        return self._config(name) is not None

    def create(self, name: str, config: str) -> None:
        """Create the endpoint; it is Creating from now on. Raises EndpointRefusedError."""
        try:
            self._until_found(
                lambda: self._client.create_endpoint(**making.endpoint(name, config=config))
            )
        except ClientError as error:
            raise EndpointRefusedError(str(error)) from error

    def update(self, name: str, config: str, *, keep_counts: bool = False) -> None:
        """Put the endpoint on another configuration; it is Updating from now on.

        Weights are always the configuration's. `keep_counts` retains the live instance counts of
        variants that it has in common with the one in force; "by default" they are reset, too
        (UpdateEndpoint, RetainAllVariantProperties). Raises EndpointBusyError and
        EndpointRefusedError.
        """
        try:
            self._until_found(
                lambda: self._client.update_endpoint(
                    EndpointName=name,
                    EndpointConfigName=config,
                    RetainAllVariantProperties=keep_counts,
                    ExcludeRetainedVariantProperties=(
                        [{"VariantPropertyType": "DesiredWeight"}] if keep_counts else []
                    ),
                )
            )
        except ClientError as error:
            if _busy(error):
                raise EndpointBusyError(name) from error
            raise EndpointRefusedError(str(error)) from error

    def set_weights(self, name: str, weights: Mapping[str, int]) -> None:
        """Split the traffic; weights are ratios to SageMaker, percentages to us.

        Asynchronous: the endpoint is Updating until they are in effect. Raises EndpointBusyError
        while another change is under way.
        """
        desired = [{"VariantName": one, "DesiredWeight": float(to)} for one, to in weights.items()]
        try:
            self._client.update_endpoint_weights_and_capacities(
                EndpointName=name,
                DesiredWeightsAndCapacities=desired,  # type: ignore[arg-type]
            )
        except ClientError as error:
            if _busy(error):
                raise EndpointBusyError(name) from error
            raise

    def delete(self, name: str) -> None:
        """Delete the endpoint; safe to repeat."""
        try:
            self._client.delete_endpoint(EndpointName=name)
        except ClientError as error:
            if not missing(error):
                raise

    def _until_found(self, call: Callable[[], object]) -> None:
        """Make a call, again with jitter while SageMaker does not find what it builds upon.

        Models and configurations were created a moment ago, and are found everywhere only soon.
        """
        for longest in UNTIL_FOUND:
            try:
                call()
            except ClientError as error:
                if not missing(error):
                    raise
                self._rest(_jitter.uniform(longest / 2, longest))
            else:
                return
        call()

    def _config(self, name: str) -> Any:
        """The endpoint configuration as it is, or None when there is none."""
        try:
            return self._client.describe_endpoint_config(EndpointConfigName=name)
        except ClientError as error:
            if missing(error):
                return None
            raise


def _variant(described: Any) -> VariantView:
    weight = described.get("DesiredWeight", described.get("CurrentWeight", 0.0))
    count = described.get("DesiredInstanceCount", described.get("CurrentInstanceCount", 1))
    return VariantView(weight=weight, instances=count)


def missing(error: ClientError) -> bool:
    """Whether it does not exist: SageMaker has no modelled error, a ValidationException says it."""
    message = error.response["Error"].get("Message", "")
    return _is_validation(error) and "Could not find" in message


def _busy(error: ClientError) -> bool:
    return _BUSY in error.response["Error"].get("Message", "")


def _exists(error: ClientError) -> bool:
    message = error.response["Error"].get("Message", "")
    return _is_validation(error) and "already exist" in message


def _is_validation(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ValidationException"
