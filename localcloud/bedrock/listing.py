"""The operations of `bedrock` that tell of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localcloud.bedrock import authorization
from localcloud.bedrock.catalogue import (
    Model,
    Profile,
    find_model,
    find_profile,
    listed,
    models,
    profiles,
)
from localcloud.constants import ACCOUNT, REGION
from localcloud.json_service import page
from localcloud.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.json_service import Body

_MOST = 1000


def get_model(request: Body, access_key: str) -> Body:
    """GetFoundationModel; one that has ended is not there."""
    named = request["modelIdentifier"]
    found = find_model(named)
    arn = found.arn if found else f"arn:aws:bedrock:{REGION}::foundation-model/{named}"
    authorization.require(access_key, "GetFoundationModel", arn)
    if found is None:
        raise _absent("Could not find the foundation model, or you do not have access to it.")
    if found.has_ended:
        raise _absent("This model version has reached the end of its life.")
    return {"modelDetails": _told(found)}


def list_models(request: Body, access_key: str) -> Body:
    """ListFoundationModels."""
    authorization.require(access_key, "ListFoundationModels", "*")
    told = [_told(one) for one in listed()]
    wanted: dict[str, Callable[[Body, str], bool]] = {
        "byProvider": lambda one, value: one["providerName"].lower() == value.lower(),
        "byInferenceType": lambda one, value: value in one["inferenceTypesSupported"],
        "byOutputModality": lambda one, value: value in one["outputModalities"],
        "byCustomizationType": lambda one, value: value in one["customizationsSupported"],
    }
    for name, matches in wanted.items():
        if name in request:
            told = [one for one in told if matches(one, request[name])]
    return {"modelSummaries": told}


def get_profile(request: Body, access_key: str) -> Body:
    """GetInferenceProfile."""
    named = request["inferenceProfileIdentifier"]
    found = find_profile(named)
    arn = found.arn if found else f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{named}"
    authorization.require(access_key, "GetInferenceProfile", arn)
    if found is None:
        raise _absent("Could not find the inference profile, or you do not have access to it.")
    return _told_profile(found)


def list_profiles(request: Body, access_key: str) -> Body:
    """ListInferenceProfiles."""
    authorization.require(access_key, "ListInferenceProfiles", "*")
    wanted = request.get("typeEquals", "SYSTEM_DEFINED")
    found = list(profiles.values()) if wanted == "SYSTEM_DEFINED" else []
    asked = {key[0].upper() + key[1:]: value for key, value in request.items()}
    shown, more = page(found, asked, most=_MOST)
    told = {"inferenceProfileSummaries": [_told_profile(one) for one in shown]}
    return {**told, **({"nextToken": more["NextToken"]} if more else {})}


def _told(model: Model) -> dict[str, Any]:
    return {
        "modelArn": model.arn,
        "modelId": model.id,
        "modelName": model.name,
        "providerName": model.provider,
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "customizationsSupported": [],
        "inferenceTypesSupported": [model.reached_by],
        "modelLifecycle": {
            "status": model.status,
            "startOfLifeTime": model.since,
            "legacyTime": model.legacy_at,
            "endOfLifeTime": model.ends_at,
        },
    }


def _told_profile(profile: Profile) -> dict[str, Any]:
    model = models[profile.model]
    return {
        "inferenceProfileName": profile.name,
        "description": f"Routes requests to {model.name} in the United States",
        "createdAt": model.since,
        "updatedAt": model.since,
        "inferenceProfileArn": profile.arn,
        "models": [{"modelArn": arn} for arn in profile.destinations],
        "inferenceProfileId": profile.id,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }


def _absent(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, status=404)


OPERATIONS = {
    "GetFoundationModel": get_model,
    "ListFoundationModels": list_models,
    "GetInferenceProfile": get_profile,
    "ListInferenceProfiles": list_profiles,
}
