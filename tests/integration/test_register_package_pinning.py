"""What the names in a Bedrock configuration come to, and which are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import AT, COMMIT, REGION
from tests.integration.catalogue import DATA_SOURCE, INGESTED, KNOWLEDGE_BASE, MODEL_ID, Catalogue
from tests.integration.configs import a_bedrock_config, captured_manifest, push_config, push_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.inbox import Inbox

CONFIG = f"configs/{COMMIT}/bedrock-config.json"


def test_an_id_that_names_no_one_model_is_refused_with_what_to_write_instead(
    inbox: Inbox, catalogue: Catalogue, told: Callable[[], list[str]]
) -> None:
    catalogue.has_model("anthropic.claude-sonnet-4-20250514-v1:0")
    catalogue.has_model("anthropic.claude-sonnet-4-5-20240101-v1:0", status="LEGACY")
    bad = a_bedrock_config(model_id="anthropic.claude-sonnet-4-5")

    inbox.deliver(push_file(inbox, "bedrock-config.json", bad))

    assert inbox.records() == {f"{CONFIG} 1": "Rejected ModelNotFound"}
    said = inbox.details()["bedrock-config.json"]
    assert said == (
        "model_id: 'anthropic.claude-sonnet-4-5' names no one model in Bedrock's catalogue in "
        f"{REGION}: write {MODEL_ID}"
    )
    assert said in told()[0]


@pytest.mark.usefixtures("catalogue")
def test_a_config_below_a_floor_is_refused_and_taken_up_when_it_keeps_it(inbox: Inbox) -> None:
    unwatched = a_bedrock_config(alarms={"error_rate": None})

    inbox.deliver(push_file(inbox, "bedrock-config.json", unwatched))

    assert inbox.records() == {f"{CONFIG} 1": "Rejected BelowFloor"}

    inbox.deliver(*push_config(inbox, smoke_test={"question": "?", "contains": ["refund"]}))
    smoke = captured_manifest(inbox).config.smoke_test
    assert smoke
    assert smoke.contains == ("refund",)


def test_another_name_of_a_model_is_refused_with_the_name_it_has(
    inbox: Inbox, catalogue: Catalogue
) -> None:
    catalogue.has_model(MODEL_ID, answers_to="anthropic.claude-sonnet-4-5")
    alias = a_bedrock_config(model_id="anthropic.claude-sonnet-4-5")

    inbox.deliver(push_file(inbox, "bedrock-config.json", alias))

    assert inbox.records() == {f"{CONFIG} 1": "Rejected Unpinned"}
    assert inbox.details()["bedrock-config.json"].endswith(f"today: write {MODEL_ID}")


@pytest.mark.parametrize("answered", [False, True], ids=["as unknown", "with its model"])
def test_a_profile_is_pinned_with_every_region_it_leads_to(
    inbox: Inbox, catalogue: Catalogue, *, answered: bool
) -> None:
    if answered:
        catalogue.has_model(MODEL_ID, answers_to=f"us.{MODEL_ID}")
    catalogue.has_profile(f"us.{MODEL_ID}", f"us-west-2/{MODEL_ID}", f"us-east-1/{MODEL_ID}")

    inbox.deliver(*push_config(inbox, model_id=f"us.{MODEL_ID}"))

    model = captured_manifest(inbox).model
    assert model.id == MODEL_ID
    assert model.profile.endswith(f":inference-profile/us.{MODEL_ID}")
    assert model.arns == tuple(
        f"arn:aws:bedrock:{region}::foundation-model/{MODEL_ID}"
        for region in ("us-east-1", "us-west-2")
    )


def test_a_legacy_model_is_refused_unless_the_config_says_why(
    inbox: Inbox, catalogue: Catalogue, told: Callable[[], list[str]]
) -> None:
    catalogue.has_model(MODEL_ID, status="LEGACY", endOfLifeTime=AT + timedelta(days=40))
    inbox.deliver(*push_config(inbox))
    assert inbox.records()[f"{CONFIG} 1"] == "Rejected LegacyModel"
    assert "legacy_model_reason" in told()[0]

    reason = "the successor fails our evaluation of refunds"
    corrected = a_bedrock_config(legacy_model_reason=reason)
    inbox.deliver(push_file(inbox, "bedrock-config.json", corrected))

    (package,) = inbox.packages("assistant")
    assert package["CustomerMetadataProperties"]["legacy-model-reason"] == reason
    assert captured_manifest(inbox).config.legacy_model_reason == reason
    assert captured_manifest(inbox).model.status == "LEGACY"
    assert "is used although it is LEGACY" in told()[-1]
    assert "ends on 2026-06-12" in told()[-1]


def test_a_knowledge_base_is_recorded_and_said_to_be_not_restorable(
    inbox: Inbox, catalogue: Catalogue, told: Callable[[], list[str]]
) -> None:
    catalogue.has_knowledge(
        ("JOB0000001", "COMPLETE", INGESTED - timedelta(days=1)),
        ("JOB0000002", "COMPLETE", INGESTED),
        ("JOB0000003", "FAILED", INGESTED + timedelta(days=1)),
    )
    sources: dict[str, Any] = {"knowledge_base_id": KNOWLEDGE_BASE, "data_source_id": DATA_SOURCE}

    inbox.deliver(*push_config(inbox, **sources))

    knowledge = captured_manifest(inbox).knowledge
    assert knowledge
    assert knowledge.knowledge_base_arn.endswith(f":knowledge-base/{KNOWLEDGE_BASE}")
    assert (knowledge.data_source_id, knowledge.ingestion_job_id) == (DATA_SOURCE, "JOB0000002")
    assert knowledge.ingested_at == INGESTED
    assert knowledge.restorable is False
    assert "no rollback restores its content" in told()[-1]


def test_a_source_nobody_has_read_yet_is_recorded_without_a_job(
    inbox: Inbox, catalogue: Catalogue
) -> None:
    catalogue.has_knowledge(("JOB0000003", "IN_PROGRESS", INGESTED))
    sources: dict[str, Any] = {"knowledge_base_id": KNOWLEDGE_BASE, "data_source_id": DATA_SOURCE}

    inbox.deliver(*push_config(inbox, **sources))

    knowledge = captured_manifest(inbox).knowledge
    assert knowledge
    assert (knowledge.ingestion_job_id, knowledge.ingested_at) == ("", None)


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        ({"knowledge_base_id": "KB00000000"}, "KB00000000"),
        ({"knowledge_base_id": KNOWLEDGE_BASE, "data_source_id": "DS00000000"}, "DS00000000"),
    ],
    ids=["the base", "the source"],
)
def test_a_source_that_does_not_exist_is_refused_by_name(
    inbox: Inbox, catalogue: Catalogue, sources: dict[str, Any], named: str
) -> None:
    catalogue.has_knowledge()

    inbox.deliver(*push_config(inbox, **sources))

    assert inbox.records()[f"{CONFIG} 1"] == "Rejected KnowledgeNotFound"
    assert named in inbox.details()["bedrock-config.json"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_what_bedrock_does_not_answer_is_asked_again_and_never_refused(
    inbox: Inbox, catalogue: Catalogue, code: str
) -> None:
    events = push_config(inbox)
    catalogue.refusing = code
    assert inbox.deliver(*events) == [0]
    assert "Rejected" not in "".join(inbox.records().values())
    catalogue.refusing = ""

    assert inbox.deliver(events[0]) == []

    assert set(inbox.records().values()) == {"Registered"}


def test_nobody_asks_bedrock_about_a_model_of_sagemaker(inbox: Inbox, catalogue: Catalogue) -> None:
    inbox.deliver(*inbox.push_folder())

    assert len(inbox.packages()) == 1
    assert catalogue.asked == []
