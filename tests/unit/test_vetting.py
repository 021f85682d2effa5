"""Whether what was approved of an application would answer: package, model, probe."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sluice.domain.pinning import FoundationModel, InferenceProfile
from sluice.domain.retrying import passing
from sluice.domain.vetting import (
    Probed,
    ended,
    model_objection,
    probe_objection,
)
from tests.builders import AT, a_bedrock_manifest, a_pinned

MANIFEST = a_bedrock_manifest()
(ARN,) = MANIFEST.model.arns
MODEL = FoundationModel(id=MANIFEST.model.id, arn=ARN, status="ACTIVE")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({}, "", id="as pinned"),
        pytest.param({"status": "LEGACY"}, "LegacyModel", id="legacy"),
        pytest.param({"end_of_life_at": AT}, "ModelEnded", id="ended"),
        pytest.param({"end_of_life_at": AT + timedelta(1)}, "", id="ends tomorrow"),
        pytest.param({"arn": "arn:of:another"}, "MODEL_CHANGED", id="elsewhere"),
    ],
)
def test_a_model_is_the_one_that_was_approved(change: dict[str, Any], reason: str) -> None:
    found = model_objection(MANIFEST, replace(MODEL, **change), None, at=AT)

    assert found.partition(":")[0] == reason


def test_a_legacy_model_is_taken_with_the_reason_that_was_recorded() -> None:
    config = a_pinned(legacy_model_reason="the successor is worse").config
    manifest = MANIFEST.model_copy(update={"config": config})

    assert model_objection(manifest, replace(MODEL, status="LEGACY"), None, at=AT) == ""


def test_a_profile_that_leads_to_another_region_since_is_not_what_was_approved() -> None:
    profile = InferenceProfile(
        id=MANIFEST.config.model_id, arn="arn:of:profile", model_arns=(ARN, "arn:of:eu/" + MODEL.id)
    )

    assert model_objection(MANIFEST, MODEL, profile, at=AT).startswith("MODEL_CHANGED: ")


def test_a_model_that_is_unknown_has_gone() -> None:
    assert model_objection(MANIFEST, None, None, at=AT).startswith("MODEL_GONE: ")
    assert ended(None, at=AT)
    assert ended(replace(MODEL, end_of_life_at=AT), at=AT)
    assert not ended(replace(MODEL, status="LEGACY", end_of_life_at=AT + timedelta(1)), at=AT)


def test_only_what_says_nothing_of_the_release_is_tried_again() -> None:
    busy = probe_objection(MANIFEST, Probed(unanswered="EndpointConnectionError"))
    refused = probe_objection(
        MANIFEST, Probed(refused="ValidationException: `top_p` is deprecated")
    )

    assert busy == "PROBE_NOT_ANSWERED: support-v2: EndpointConnectionError"
    assert refused == "PROBE_REFUSED: support-v2: ValidationException: `top_p` is deprecated"
    assert (passing(busy), passing(refused)) == (True, False)
    assert probe_objection(MANIFEST, Probed()) == ""
