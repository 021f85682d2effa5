"""Bedrock's catalogue: foundation models, and the inference profiles that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sluice.domain.pinning import ACTIVE, FoundationModel, InferenceProfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_bedrock import BedrockClient

# An id of another form than the operation's pattern is answered with the second.
_UNKNOWN = frozenset({"ResourceNotFoundException", "ValidationException"})
_MOST_SUGGESTED = 3


class FoundationModels:
    """The models of this Region, as this account sees them.

    `client` makes the client: only when a Bedrock configuration arrives.
    """

    def __init__(self, client: Callable[[], BedrockClient]) -> None:
        self._client = client

    def named(self, text: str) -> tuple[FoundationModel | None, InferenceProfile | None]:
        """What a config's `model_id` names: a model, or a profile and the first that it leads to.

        A model that is called otherwise may be what a profile of that name leads to.
        """
        model = self.find(text)
        profile = None if model and model.is_called(text) else self.profile(text)
        if profile and profile.model_ids:
            model = self.find(profile.model_ids[0])
        return model, profile

    def find(self, model: str) -> FoundationModel | None:
        """The model with this id or ARN, or None."""
        try:
            found = self._client().get_foundation_model(modelIdentifier=model)["modelDetails"]
        except ClientError as error:
            if _is_unknown(error):
                return None
            raise
        return _model(found)

    def profile(self, profile: str) -> InferenceProfile | None:
        """The inference profile with this id or ARN, or None."""
        try:
            found = self._client().get_inference_profile(inferenceProfileIdentifier=profile)
        except ClientError as error:
            if _is_unknown(error):
                return None
            raise
        return InferenceProfile(
            id=found["inferenceProfileId"],
            arn=found["inferenceProfileArn"],
            model_arns=tuple(one["modelArn"] for one in found["models"]),
        )

    def beginning(self, text: str) -> tuple[str, ...]:
        """A few ids of active models that begin with `text`, sorted."""
        models = self._client().list_foundation_models()["modelSummaries"]
        active = (one["modelId"] for one in models if one["modelLifecycle"]["status"] == ACTIVE)
        return tuple(sorted(one for one in active if one.startswith(text))[:_MOST_SUGGESTED])


def _model(found: Any) -> FoundationModel:
    lifecycle = found.get("modelLifecycle", {})
    return FoundationModel(
        id=found["modelId"],
        arn=found["modelArn"],
        status=lifecycle.get("status", ""),
        inference_types=tuple(found.get("inferenceTypesSupported", [])),
        legacy_at=lifecycle.get("legacyTime"),
        end_of_life_at=lifecycle.get("endOfLifeTime"),
    )


def _is_unknown(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _UNKNOWN
