"""A Bedrock configuration as it is read: strictly, and for the commit of its folder alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.bedrock import (
    BedrockConfig,
    judge_agent_config,
    judge_evaluated,
    judge_text,
    parse_bedrock_config,
)
from sluice.domain.floors import Floors, refuse_config
from sluice.domain.plan import Strategy
from sluice.domain.refusal import Reason, Refusal

COMMIT = "9f8d111"
WRITTEN: dict[str, Any] = {
    "model_id": "anthropic.claude-sonnet-4-5-20251001-v2:0",
    "prompt_template_file": "prompts/p.txt",
    "prompt_template_version": COMMIT,
}


def parse(**changes: Any) -> BedrockConfig | Refusal:
    return parse_bedrock_config(json.dumps({**WRITTEN, **changes}).encode(), commit=COMMIT)


def test_a_parameter_that_is_absent_is_not_zero() -> None:
    config = parse(inference_config={"max_tokens": 2048})

    assert isinstance(config, BedrockConfig)
    assert config.inference_config.temperature is None
    assert config.inference_config.max_tokens == 2048


def test_a_config_says_how_it_is_rolled_out_watched_and_tested() -> None:
    config = parse(
        rollout={"preset": "fast", "steps": [10, 100]},
        alarms={"error_rate": 0.02, "watch": ["support-desk"]},
        smoke_test={"question": "How long is the refund window?", "contains": ["30 days"]},
    )

    assert isinstance(config, BedrockConfig)
    assert config.rollout.steps == (10, 100)
    assert config.rollout.bake_minutes.max == 10
    assert config.alarms.watch == ("support-desk",)
    assert config.smoke_test
    assert config.smoke_test.contains == ("30 days",)


def test_an_application_holds_two_versions_and_needs_no_guardrail() -> None:
    refusal = parse(rollout={"strategy": "guardrail"})

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.STRATEGY
    assert "use canary or all_at_once" in refusal.detail


@pytest.mark.parametrize(
    ("floors", "changes", "named"),
    [
        pytest.param(Floors(minimum_bake_minutes=6), {}, "minimum_bake_minutes", id="bakes"),
        pytest.param(
            Floors(required_alarms=("latency_ms",)), {}, "alarms.latency_ms", id="an alarm"
        ),
        pytest.param(
            Floors(required_alarms=("model_error_rate",)), {}, None, id="an alarm of endpoints"
        ),
        pytest.param(Floors(require_smoke_test=True), {}, "smoke_test is not set", id="untested"),
        pytest.param(
            Floors(require_smoke_test=True), {"smoke_test": {"question": "?"}}, None, id="tested"
        ),
        pytest.param(
            Floors(strategies=(Strategy.CANARY,)),
            {"rollout": {"steps": [100]}},
            "comes to all_at_once",
            id="a strategy",
        ),
    ],
)
def test_the_floors_of_the_stack_hold_for_applications(
    floors: Floors, changes: dict[str, Any], named: str | None
) -> None:
    config = parse(**changes)
    assert isinstance(config, BedrockConfig)

    refusal = refuse_config(config, floors)

    assert (refusal is None) is (named is None)
    assert refusal is None or (named or "") in refusal.detail


def test_the_files_that_a_config_names_are_part_of_its_version() -> None:
    config = parse(system_prompt_file="prompts/s.txt", agent_config_file="agent-config.json")

    assert isinstance(config, BedrockConfig)
    assert config.named_files == ("agent-config.json", "prompts/p.txt", "prompts/s.txt")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"model_id": ""}, "model_id", id="an empty id"),
        pytest.param({"model_id": None}, "model_id", id="no id"),
        pytest.param({"inference_config": {"temperature": 1.1}}, "temperature", id="too hot"),
        pytest.param({"inference_config": {"temperature": "0"}}, "temperature", id="a text"),
        pytest.param({"inference_config": {"max_tokens": 0}}, "max_tokens", id="no tokens"),
        pytest.param({"inference_config": {"max_tokens": True}}, "max_tokens", id="true"),
        pytest.param({"inference_config": {"top_k": 1}}, "top_k", id="an unknown parameter"),
        pytest.param({"prompt": "x"}, "prompt", id="a prompt in the config"),
        pytest.param({"prompt_template_file": "../p.txt"}, "prompt_template_file", id="outside"),
        pytest.param(
            {"prompt_template_file": "bedrock-config.json"}, "prompt_template_file", id="itself"
        ),
        pytest.param({"system_prompt_file": "manifest.json"}, "system_prompt_file", id="ours"),
        pytest.param({"agent_config_file": "agents.json"}, "agent_config_file", id="renamed"),
        pytest.param({"data_source_id": "DS12345678"}, "knowledge_base_id", id="half a source"),
        pytest.param({"knowledge_base_id": "x/../y"}, "knowledge_base_id", id="no id of ten"),
        pytest.param({"application": "a" * 41}, "application", id="a long name"),
        pytest.param({"application": "support team"}, "application", id="no group's name"),
        pytest.param({"legacy_model_reason": "  "}, "legacy_model_reason", id="a blank reason"),
        pytest.param({"rollout": {"capacity": "full"}}, "rollout.capacity", id="instances"),
        pytest.param(
            {"alarms": {"model_error_rate": 0.1}}, "alarms.model_error_rate", id="a container's"
        ),
        pytest.param({"smoke_test": {"question": " "}}, "smoke_test.question", id="no question"),
        pytest.param(
            {"smoke_test": {"question": "?", "contains": [""]}}, "contains", id="holding nothing"
        ),
        pytest.param(
            {"smoke_test": {"question": "?", "within_ms": 60_000}}, "within_ms", id="too slow"
        ),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(changes: dict[str, Any], named: str) -> None:
    refusal = parse(**changes)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.INVALID_CONFIG
    assert named in refusal.detail


@pytest.mark.parametrize("version", ["git-sha-here", "9f8d11", "9f8d1110", "9F8D111"])
def test_a_config_of_another_commit_is_refused_by_the_fields_name(version: str) -> None:
    refusal = parse(prompt_template_version=version)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.OTHER_COMMIT
    assert f"prompt_template_version is '{version}'" in refusal.detail
    assert COMMIT in refusal.detail


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"accuracy": 0.9}, None),
        ({"accuracy": 0.9, "prompt_template_version": COMMIT}, None),
        ({"accuracy": 0.9, "prompt_template_version": "0000000"}, Reason.OTHER_COMMIT),
        ({"accuracy": 0.9, "prompt_template_version": 7}, Reason.OTHER_COMMIT),
    ],
)
def test_an_evaluation_that_says_what_it_evaluated_must_mean_this_version(
    said: dict[str, Any], reason: Reason | None
) -> None:
    refusal = judge_evaluated(json.dumps(said).encode(), commit=COMMIT)

    assert (refusal.reason if refusal else None) is reason


@given(st.binary())
def test_no_config_is_beyond_us(data: bytes) -> None:
    assert isinstance(parse_bedrock_config(data, commit=COMMIT), Refusal)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_text_is_a_prompt(text: str) -> None:
    assert judge_text("p.txt", text.encode()) is None


@pytest.mark.parametrize("data", [b"\xff", "ü".encode("latin-1"), b"\xed\xa0\x80", b"a\0"])
def test_what_is_no_text_is_refused_where_it_begins(data: bytes) -> None:
    refusal = judge_text("p.txt", data)

    assert refusal
    assert refusal.reason is Reason.NOT_TEXT
    assert refusal.detail.startswith("p.txt ")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"instructions": "{x}"}', None),
        (b"[]", Reason.INVALID_CONFIG),
        (b"{", Reason.MALFORMED_JSON),
    ],
)
def test_an_agents_config_is_an_object_of_its_own_kind(data: bytes, reason: Reason | None) -> None:
    refusal = judge_agent_config(data)

    assert (refusal.reason if refusal else None) is reason
