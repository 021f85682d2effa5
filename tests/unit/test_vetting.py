"""Whether what was approved of an application would answer: package, model, probe."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sluice.domain.pinning import FoundationModel, InferenceProfile
from sluice.domain.release import ApprovalStatus
from sluice.domain.retrying import passing
from sluice.domain.vetting import (
    Probed,
    Registered,
    ended,
    model_objection,
    package_objection,
    probe_objection,
)
from tests.builders import AT, BUCKET, a_bedrock_manifest, a_pinned

MANIFEST, DIGEST = a_bedrock_manifest(), "d" * 64
REGISTERED = Registered(
    approval=ApprovalStatus.APPROVED,
    containers=0,
    metadata={
        "release-digest": DIGEST,
        "manifest": f"s3://{BUCKET}/releases/support/v2-dddddddddddd/manifest.json",
        "owner": "what people add is theirs",
    },
)
(ARN,) = MANIFEST.model.arns
MODEL = FoundationModel(id=MANIFEST.model.id, arn=ARN, status="ACTIVE")


def without(name: str) -> dict[str, str]:
    return {key: said for key, said in REGISTERED.metadata.items() if key != name}


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        pytest.param(REGISTERED, "", id="as registered"),
        pytest.param(None, "PACKAGE_GONE", id="deleted"),
        pytest.param(
            replace(REGISTERED, approval=ApprovalStatus.REJECTED), "NOT_APPROVED", id="rejected"
        ),
        pytest.param(
            replace(REGISTERED, approval=ApprovalStatus.PENDING), "NOT_APPROVED", id="pending"
        ),
        pytest.param(
            replace(REGISTERED, metadata=without("release-digest")), "PACKAGE_CHANGED", id="digest"
        ),
        pytest.param(
            replace(REGISTERED, metadata=without("manifest")), "PACKAGE_CHANGED", id="manifest"
        ),
        pytest.param(replace(REGISTERED, containers=1), "PACKAGE_CHANGED", id="a container"),
    ],
)
def test_a_package_is_the_one_that_was_approved(package: Registered | None, reason: str) -> None:
    assert package_objection(MANIFEST, DIGEST, package).partition(":")[0] == reason


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
