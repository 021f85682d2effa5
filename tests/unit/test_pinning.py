"""Whether a model id means one model for ever: what the catalogue answers decides, not its form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sluice.domain.bedrock import BedrockConfig, PinnedModel
from sluice.domain.pinning import (
    FoundationModel,
    InferenceProfile,
    is_id,
    not_found,
    pin,
    refuse_foreign,
    refuse_unpinned,
)
from sluice.domain.refusal import Reason, Refusal
from tests.builders import AT

DATED = "anthropic.claude-sonnet-4-5-20251001-v2:0"
BARE = "anthropic.claude-opus-4-7"
PROMPT = "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ"


def a_config(model_id: str = DATED, **changes: Any) -> BedrockConfig:
    return BedrockConfig(
        model_id=model_id,
        prompt_template_file="prompts/p.txt",
        prompt_template_version="9f8d111",
        **changes,
    )


def a_model(model_id: str = DATED, **changes: Any) -> FoundationModel:
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{model_id}"
    return FoundationModel(**{"id": model_id, "arn": arn, "status": "ACTIVE", **changes})


def a_profile(profile_id: str, *models: str) -> InferenceProfile:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{profile_id}"
    arns = tuple(f"arn:aws:bedrock:{one.replace('/', '::foundation-model/')}" for one in models)
    return InferenceProfile(profile_id, arn, arns)


@pytest.mark.parametrize(
    ("model_id", "reason", "says"),
    [
        pytest.param(DATED, None, "", id="with a date"),
        pytest.param(BARE, None, "", id="without a date"),
        pytest.param(f"us.{DATED}", None, "", id="a geographic profile"),
        pytest.param("nova.latest-news-v1:0", None, "", id="latest inside a name"),
        pytest.param(a_model().arn, None, "", id="a model's ARN"),
        pytest.param("anthropic.claude-sonnet-latest", Reason.UNPINNED, "latest", id="latest"),
        pytest.param("anthropic.claude:LATEST", Reason.UNPINNED, "latest", id="in capitals"),
        pytest.param(PROMPT, Reason.UNPINNED, "DRAFT", id="a prompt without a version"),
        pytest.param(f"{PROMPT}:DRAFT", Reason.UNPINNED, "DRAFT", id="a prompt's draft"),
        pytest.param(f"{PROMPT}:3", Reason.UNPINNED, "no file of the folder", id="a prompt"),
        pytest.param(
            "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1",
            Reason.UNPINNED,
            "router",
            id="a router",
        ),
        pytest.param(
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/x.y/abcdefghijkl",
            Reason.MODEL_NOT_FOUND,
            "custom-model",
            id="a custom model",
        ),
        pytest.param(
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn",
            Reason.MODEL_NOT_FOUND,
            "endpoint",
            id="an endpoint",
        ),
    ],
)
def test_what_changes_under_its_name_is_refused_without_asking(
    model_id: str, reason: Reason | None, says: str
) -> None:
    refusal = refuse_unpinned(a_config(model_id))

    assert (refusal.reason if refusal else None) is reason
    assert says in (refusal.detail if refusal else "")


@pytest.mark.parametrize(
    ("model_id", "asked"),
    [
        pytest.param(DATED, True, id="an id"),
        pytest.param(a_model().arn, True, id="a model here"),
        pytest.param(a_model().arn.replace("us-east-1", "eu-west-1"), False, id="elsewhere"),
        pytest.param(a_profile("us.x").arn, True, id="a profile of ours"),
        pytest.param(
            a_profile("us.x").arn.replace("123456789012", "999999999999"), False, id="theirs"
        ),
    ],
)
def test_what_lies_elsewhere_is_refused_without_asking(model_id: str, *, asked: bool) -> None:
    refusal = refuse_foreign(a_config(model_id), account="123456789012", region="us-east-1")

    assert (refusal is None) is asked
    assert refusal is None or refusal.reason is Reason.MODEL_NOT_FOUND


def test_an_agents_test_alias_is_its_draft() -> None:
    refusal = refuse_unpinned(a_config(agent_alias_id="TSTALIASID"))

    assert refusal
    assert refusal.reason is Reason.UNPINNED
    assert "DRAFT" in refusal.detail
    assert refuse_unpinned(a_config(agent_alias_id="ABCDEFGHIJ")) is None


@pytest.mark.parametrize("model_id", [DATED, BARE])
def test_a_model_that_the_catalogue_calls_by_the_same_id_is_pinned(model_id: str) -> None:
    model = a_model(model_id, inference_types=("ON_DEMAND",))

    assert pin(a_config(model_id), model, None, at=AT) == PinnedModel(
        id=model_id, arns=(model.arn,), status="ACTIVE", inference_types=("ON_DEMAND",)
    )
    assert pin(a_config(model.arn), model, None, at=AT) == pin(
        a_config(model_id), model, None, at=AT
    )


def test_another_name_of_a_model_is_refused_with_the_name_it_has() -> None:
    refusal = pin(a_config("anthropic.claude-sonnet-4-5"), a_model(), None, at=AT)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.UNPINNED
    assert f"write {DATED}" in refusal.detail


def test_a_profile_is_pinned_with_its_destinations() -> None:
    profile = a_profile(f"us.{DATED}", f"us-west-2/{DATED}", f"us-east-1/{DATED}")

    pinned = pin(a_config(f"us.{DATED}"), a_model(), profile, at=AT)

    assert isinstance(pinned, PinnedModel)
    assert (pinned.id, pinned.profile) == (DATED, profile.arn)
    assert pinned.arns == tuple(sorted(profile.model_arns))


def test_a_profile_of_several_models_is_not_pinned() -> None:
    profile = a_profile("mixed", f"us-west-2/{DATED}", f"us-east-1/{BARE}")

    refusal = pin(a_config("mixed"), a_model(), profile, at=AT)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.UNPINNED
    assert DATED in refusal.detail
    assert BARE in refusal.detail


@pytest.mark.parametrize(
    ("lifecycle", "why", "reason"),
    [
        pytest.param({}, None, None, id="active"),
        pytest.param({"legacy_at": AT}, None, None, id="active, its end announced"),
        pytest.param({"status": "LEGACY"}, None, Reason.LEGACY_MODEL, id="legacy"),
        pytest.param({"status": "LEGACY"}, "no successor yet", None, id="legacy, with a reason"),
        pytest.param({"status": ""}, None, Reason.LEGACY_MODEL, id="nobody says"),
        pytest.param({"end_of_life_at": AT + timedelta(seconds=1)}, None, None, id="about to end"),
        pytest.param({"end_of_life_at": AT}, None, Reason.MODEL_ENDED, id="ended"),
        pytest.param(
            {"status": "LEGACY", "end_of_life_at": AT},
            "no successor yet",
            Reason.MODEL_ENDED,
            id="ended, whatever the reason",
        ),
    ],
)
def test_a_model_must_go_on_answering(
    lifecycle: dict[str, Any], why: str | None, reason: Reason | None
) -> None:
    pinned = pin(a_config(legacy_model_reason=why), a_model(**lifecycle), None, at=AT)

    assert (pinned.reason if isinstance(pinned, Refusal) else None) is reason


def test_an_unknown_id_is_told_what_to_write() -> None:
    config = a_config("anthropic.claude-sonnet-4-5")

    assert f"write {DATED} or {BARE}" in not_found(config, region="r", like=(DATED, BARE)).detail
    assert "write the full id" in not_found(config, region="r", like=()).detail


@pytest.mark.parametrize(
    ("text", "asked"), [(DATED, True), (a_model().arn, True), ("a b", False), ("é", False)]
)
def test_bedrock_is_asked_only_for_what_may_be_an_id(text: str, *, asked: bool) -> None:
    assert is_id(text) is asked
