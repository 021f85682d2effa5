"""Bedrock applications: pushed, approved, promoted behind the alias, and every way back."""

import json
from typing import Any

import pytest

from tests.e2e.application import (
    LONG_QUESTION,
    LONG_TOGETHER,
    PASSAGES,
    PROFILE,
    SMALL_MODEL_ID,
    TEMPLATE,
    TOO_LONG,
    Application,
)
from tests.e2e.folders import plan

LATER = "Answer as a friend would.\n{{context}}\n\n{{question}}\n"
LEGACY = "anthropic.claude-3-haiku-20240307-v1:0"


def recorded(support: Application, commit: str, file: str, kind: str) -> dict[str, Any] | None:
    """What was recorded of a file of a commit, once that is of this kind."""
    key = f"configs/{commit}/{file}"
    s3, bucket = support.stack.client("s3"), support.stack.bucket
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    found = support.line.ledger.receipt(bucket, key, version)
    return found if found.get("kind") == kind else None


def test_a_good_version_is_promoted_and_no_question_is_lost(support: Application) -> None:
    users = support.serve_first()
    support.push(2, LATER)

    support.line.approve(2)
    support.line.until_event("Promoted", 2)
    support.line.until_event("Settled", 2)
    support.line.until_serving({2: 100})

    assert users.errors == []
    assert {answer.said for answer in users.answers} == {f"{PASSAGES[0]} [1]"}
    assert {1: 50.0, 2: 50.0} in support.line.seen
    for answer in users.answers:
        assert support.release_of(answer.function_version) == answer.version
    assert support.line.last_good() == [2, 1]
    assert support.alias().get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) == {}


def test_a_template_that_the_model_cannot_take_goes_back(support: Application) -> None:
    users = support.serve_first(model_id=SMALL_MODEL_ID)
    support.push(2, TOO_LONG + TEMPLATE, model_id=SMALL_MODEL_ID)

    support.line.approve(2)
    aborted = support.line.until_event("Aborted", 2)
    support.line.until_event("Settled", 2)
    support.line.until_serving({1: 100})

    package = support.line.package(2)
    assert package["ModelApprovalStatus"] == "Rejected"
    assert package["ApprovalDescription"] == aborted["reason"]
    assert {support.release_of(one.function_version) for one in users.errors} == {2}
    assert any("Input is too long" in one.error for one in users.errors)
    assert support.line.last_good() == [1]
    assert not [name for name in support.line.alarms() if "-v2-" in name]


def test_an_alarm_after_promotion_brings_back_the_last_good_version(support: Application) -> None:
    users = support.serve_first(model_id=SMALL_MODEL_ID)
    support.push(2, LONG_TOGETHER + TEMPLATE, model_id=SMALL_MODEL_ID)
    support.line.approve(2)
    settled = support.line.until_event("Settled", 2)
    assert support.line.last_good() == [2, 1]
    assert users.errors == []

    users.say(LONG_QUESTION)
    support.line.until_event("RolledBack", 1, after=settled["n"])
    support.line.until_event("Settled", 1, after=settled["n"])
    support.line.until_serving({1: 100})

    assert {support.release_of(one.function_version) for one in users.errors} == {2}
    assert list(support.line.state()["suspect"]) == [f"{support.name}-v2"]
    assert support.line.package(2)["ModelApprovalStatus"] == "Approved", "it had served well"


def test_rejecting_the_live_version_brings_back_the_last_good_one(support: Application) -> None:
    users = support.serve_first()
    support.push(2, LATER)
    support.line.approve(2)
    settled = support.line.until_event("Settled", 2)
    published = support.alias()["FunctionVersion"]

    support.line.reject(2)
    support.line.until_event("RolledBack", 1, after=settled["n"])
    support.line.until_serving({1: 100})

    assert users.errors == []
    assert support.alias()["FunctionVersion"] != published


def test_parameters_that_the_model_refuses_are_found_before_any_user_does(
    support: Application,
) -> None:
    users = support.serve_first()
    support.push(2, model_id=PROFILE, inference_config={"temperature": 0.2, "max_tokens": 256})

    support.line.approve(2)
    aborted = support.line.until_event("Aborted", 2)

    assert "`temperature` is deprecated for this model" in aborted["reason"]
    assert users.errors == []
    assert set(users.served_by()) == {1}
    assert support.weights() == {1: 100}


@pytest.mark.parametrize(
    ("model_id", "reason", "advice"),
    [
        (
            "anthropic.claude-sonnet-4-5",
            "ModelNotFound",
            "anthropic.claude-sonnet-4-5-20251001-v2:0",
        ),
        (LEGACY, "LegacyModel", f"{LEGACY} is LEGACY and ends on"),
        ("arn:aws:bedrock:us-east-1::prompt/ABCDEFGHIJ:DRAFT", "Unpinned", "DRAFT"),
    ],
)
def test_a_model_that_is_not_pinned_is_refused(
    support: Application, model_id: str, reason: str, advice: str
) -> None:
    commit = support.upload(model_id=model_id)

    record = support.line.until(
        "the configuration is refused",
        lambda: recorded(support, commit, "bedrock-config.json", "Rejected"),
    )

    assert record["reason"] == reason, record
    assert advice in json.dumps(record)
    assert support.line.packages() == []


@pytest.mark.parametrize(
    ("evaluated", "file", "kind", "says"),
    [
        (False, "bedrock-config.json", "Pending", "waits for evaluation-results.json"),
        (True, "evaluation-results.json", "Rejected", "accuracy"),
    ],
    ids=["missing", "below the floor"],
)
def test_nothing_registers_without_an_evaluation_that_reaches_the_floor(
    support: Application, file: str, kind: str, says: str, *, evaluated: bool
) -> None:
    commit = support.upload(evaluated=evaluated, evaluation={"accuracy": 0.4})

    said = support.line.until(f"it is {kind}", lambda: recorded(support, commit, file, kind))

    assert says in json.dumps(said)
    assert support.line.packages() == []
    support.stack.client("s3").put_object(
        Bucket=support.stack.bucket,
        Key=f"configs/{commit}/evaluation-results.json",
        Body=json.dumps({"accuracy": 0.9}).encode(),
    )
    support.line.until("it is registered", lambda: support.line.package_arn(1) or None)


def test_the_stacks_own_function_answers_and_gives_its_place_back(stacks_own: Application) -> None:
    smoke = {"question": "Who keeps the keys?", "contains": ["do not know"], "within_ms": 20_000}
    users = stacks_own.serve_first(smoke_test=smoke)
    first = stacks_own.alias()["FunctionVersion"]
    assert users.answers[0].said == f"{PASSAGES[0]} [1]"
    quick = plan(
        strategy="all_at_once",
        bake_minutes={"min": 1, "max": 2, "last": 1},
        standby_minutes=1,
        on_inconclusive="promote",
    )
    stacks_own.push(2, LATER, rollout=quick, smoke_test=smoke)
    stacks_own.line.approve(2)
    settled = stacks_own.line.until_event("Settled", 2)
    assert stacks_own.weights() == {2: 100}

    stacks_own.line.reject(2)
    stacks_own.line.until_event("RolledBack", 1, after=settled["n"])
    stacks_own.line.until_event("Settled", 1, after=settled["n"])

    assert stacks_own.alias()["FunctionVersion"] == first, "the one that served before"
    assert {name.split("-v")[-1].split("-")[0] for name in stacks_own.line.alarms()} == {"1"}
    assert set(stacks_own.line.until_ended().values()) == {"SUCCEEDED"}
