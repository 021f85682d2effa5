"""Bedrock's catalogue: models by id and ARN, their lifecycle, and the profiles that lead to them.

AWS: bedrock/latest/userguide/inference-profiles-support.html
AWS: bedrock/latest/userguide/model-lifecycle.html
Model: bedrock.GetFoundationModel
Model: bedrock.ListFoundationModels
Model: bedrock.GetInferenceProfile
Model: bedrock.ListInferenceProfiles
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.sagemaker_world import World, allow

if TYPE_CHECKING:
    from localcloud.launcher import LocalCloud
    from tests.localcloud.conftest import Clients

SONNET, OPUS = "anthropic.claude-sonnet-4-5-20251001-v2:0", "anthropic.claude-opus-4-7"
RETIRING, ENDED = "anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-v2:1"
MODELS = "arn:aws:bedrock:us-east-1::foundation-model"


def test_a_model_is_found_by_its_id_and_by_its_arn(client: Clients) -> None:
    bedrock = client("bedrock")
    by_id = bedrock.get_foundation_model(modelIdentifier=SONNET)["modelDetails"]
    by_arn = bedrock.get_foundation_model(modelIdentifier=f"{MODELS}/{SONNET}")["modelDetails"]
    assert by_id == by_arn
    assert by_id["modelArn"] == f"{MODELS}/{SONNET}"
    assert by_id["modelLifecycle"]["status"] == "ACTIVE"
    assert by_id["inferenceTypesSupported"] == ["ON_DEMAND"]


def test_a_model_that_is_being_retired_says_when_it_ends(
    cloud: LocalCloud, client: Clients
) -> None:
    told = client("bedrock").get_foundation_model(modelIdentifier=RETIRING)["modelDetails"]
    assert told["modelLifecycle"]["status"] == "LEGACY"
    assert told["modelLifecycle"]["legacyTime"] < cloud.now()
    assert told["modelLifecycle"]["endOfLifeTime"] > cloud.now()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("anthropic.claude-sonnet-9-v1:0", "Could not find the foundation model"),
        # A call of September 2026 for a model that had ended, as BerriAI/litellm#42053 shows it.
        (ENDED, "This model version has reached the end of its life."),
    ],
)
def test_what_is_not_or_no_more_there_is_not_found(client: Clients, named: str, said: str) -> None:
    with pytest.raises(ClientError, match=said) as error:
        client("bedrock").get_foundation_model(modelIdentifier=named)
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_name_of_another_form_is_refused_by_the_pattern(client: Clients) -> None:
    with pytest.raises(ClientError, match="failed to satisfy constraint") as error:
        client("bedrock").get_foundation_model(modelIdentifier="us.anthropic.claude-opus_4 7")
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_the_list_has_what_has_not_ended_and_can_be_narrowed(client: Clients) -> None:
    bedrock = client("bedrock")
    every = [one["modelId"] for one in bedrock.list_foundation_models()["modelSummaries"]]
    assert {SONNET, OPUS, RETIRING} <= set(every)
    assert ENDED not in every
    meta = bedrock.list_foundation_models(byProvider="meta")["modelSummaries"]
    assert [one["modelId"] for one in meta] == ["meta.llama3-8b-instruct-v1:0"]
    demand = bedrock.list_foundation_models(byInferenceType="ON_DEMAND")["modelSummaries"]
    assert OPUS not in [one["modelId"] for one in demand]


def test_a_profile_leads_to_its_model_in_every_region(client: Clients) -> None:
    bedrock = client("bedrock")
    found = bedrock.get_inference_profile(inferenceProfileIdentifier=f"us.{OPUS}")
    again = bedrock.get_inference_profile(inferenceProfileIdentifier=found["inferenceProfileArn"])
    assert again["inferenceProfileId"] == found["inferenceProfileId"] == f"us.{OPUS}"
    assert [one["modelArn"] for one in found["models"]] == [
        f"arn:aws:bedrock:{region}::foundation-model/{OPUS}"
        for region in ("us-east-1", "us-east-2", "us-west-2")
    ]
    listed = bedrock.list_inference_profiles(typeEquals="SYSTEM_DEFINED")
    assert f"us.{OPUS}" in [
        one["inferenceProfileId"] for one in listed["inferenceProfileSummaries"]
    ]
    assert not bedrock.list_inference_profiles(typeEquals="APPLICATION")[
        "inferenceProfileSummaries"
    ]
    with pytest.raises(ClientError) as error:
        bedrock.get_inference_profile(inferenceProfileIdentifier="us.nobody")
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_profiles_come_in_pages(client: Clients) -> None:
    bedrock = client("bedrock")
    pages = list(bedrock.get_paginator("list_inference_profiles").paginate(maxResults=1))
    assert len(pages) > 1
    assert all(len(page["inferenceProfileSummaries"]) == 1 for page in pages)


def test_iam_is_asked_for_each_resource(client: Clients, unique: str) -> None:
    world = World(client, unique)
    role = world.role(allow("bedrock:GetFoundationModel", f"{MODELS}/{SONNET}"))
    bedrock = world.as_role(role, "bedrock")
    assert bedrock.get_foundation_model(modelIdentifier=SONNET)
    for refused in (
        lambda: bedrock.get_foundation_model(modelIdentifier=OPUS),
        bedrock.list_foundation_models,
        lambda: bedrock.get_inference_profile(inferenceProfileIdentifier=f"us.{OPUS}"),
    ):
        with pytest.raises(ClientError) as error:
            refused()
        assert error.value.response["Error"]["Code"] == "AccessDeniedException"
