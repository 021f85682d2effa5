"""SageMaker: what an endpoint configuration and a model say that they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.adapters.endpoint import missing
from sluice.domain.hosting import Hosted, ModelView

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_FLEET = ("InstanceType", "ServerlessConfig")


class Hosting:
    """Endpoint configurations and models; neither can be changed, only made anew."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def config(self, name: str) -> dict[str, Hosted] | None:
        """The production variants of an endpoint configuration, or None where there is none."""
        try:
            found = self._client.describe_endpoint_config(EndpointConfigName=name)
        except ClientError as error:
            if missing(error):
                return None
            raise
        return {one["VariantName"]: _hosted(one) for one in found["ProductionVariants"]}

    def model(self, name: str) -> ModelView | None:
        """A model, or None where there is none."""
        try:
            found: Any = self._client.describe_model(ModelName=name)
        except ClientError as error:
            if missing(error):
                return None
            raise
        primary = found.get("PrimaryContainer")
        containers = [primary] if primary else found.get("Containers", [])
        return ModelView(containers=tuple(containers), role=found.get("ExecutionRoleArn", ""))


def _hosted(variant: Any) -> Hosted:
    fleet = {name: variant[name] for name in _FLEET if variant.get(name)}
    return Hosted(model=variant.get("ModelName", ""), fleet=fleet)
