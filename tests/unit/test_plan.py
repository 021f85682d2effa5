"""How a version wants to be judged: presets, what goes before them, and what makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluice.domain.bedrock import BedrockConfig
from sluice.domain.judge import evaluate
from sluice.domain.measures import compared, guarded
from sluice.domain.plan import PRESETS, Preset, RolloutPlan
from sluice.domain.policy import ERRORS, LAST_RESORT, MODEL_ERRORS, policy_of
from sluice.domain.pushed import ModelConfig, parse_config
from sluice.domain.refusal import Refusal
from sluice.domain.release import System
from tests.builders import a_config


def taken(rollout: dict[str, Any], **more: Any) -> ModelConfig:
    config = parse_config(json.dumps(a_config(rollout=rollout, **more)).encode())
    assert isinstance(config, ModelConfig), config
    return config


def refused(rollout: dict[str, Any]) -> str:
    refusal = parse_config(json.dumps(a_config(rollout=rollout)).encode())
    assert isinstance(refusal, Refusal)
    return refusal.detail


@pytest.mark.parametrize("preset", Preset)
def test_every_preset_is_a_plan_that_the_judge_takes(preset: Preset) -> None:
    config = taken({"preset": preset})

    policy = policy_of(config)
    answer = evaluate({"config": policy.analysis, "minutes": []})
    assert answer["verdict"] == "keep_baking"


def test_an_application_is_judged_by_the_same_plan_from_metrics_of_its_own() -> None:
    plan = RolloutPlan(latency_slo_ms=900)
    config = BedrockConfig(
        model_id="m", prompt_template_file="p", prompt_template_version="9f8d111", rollout=plan
    )

    policy = policy_of(config)

    assert (policy.system, policy.latency_slo_ms) == (System.BEDROCK, 900)
    assert {one.x.namespace for one in (*compared(policy), *guarded(policy))} == {"AWS/Lambda"}


def test_what_a_plan_says_itself_goes_before_its_preset() -> None:
    plan = taken({"preset": "fast", "analysis": {"beta": 0.01}, "bake_minutes": {"max": 7}}).rollout

    assert plan.analysis.beta == 0.01
    assert plan.analysis.margin_abs == PRESETS[Preset.FAST]["analysis"]["margin_abs"]
    assert (plan.bake_minutes.min, plan.bake_minutes.max, plan.bake_minutes.last) == (5, 7, 30)


def test_a_plan_that_was_stored_reads_as_it_was_written() -> None:
    config = taken({"preset": "cautious", "analysis": {"beta": 0.2}})

    stored = ModelConfig.model_validate_json(config.model_dump_json())

    assert stored == config


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        pytest.param({"preset": "reckless"}, "rollout.preset: Input should be", id="no preset"),
        pytest.param({"period": 90}, "rollout.period: Input should be 60 or 300", id="period"),
        pytest.param({"analysis": {"margin_ratio": 1.0}}, "must not be less than", id="inside out"),
        pytest.param(
            {"analysis": {"margin_ratio": 1.1, "margin_abs": 0}}, "must be more", id="no gap"
        ),
        pytest.param({"analysis": {"alpha": 0}}, "rollout.analysis.alpha", id="never wrong"),
        pytest.param({"analysis": {"min_bad_minutes": 0}}, "min_bad_minutes", id="no minutes"),
        pytest.param({"guard": {"error_rate": 1}}, "rollout.guard.error_rate", id="any rate"),
        pytest.param(
            {"preset": "fast", "bake_minutes": {"min": 20}}, "must not be less", id="against it"
        ),
        pytest.param(
            {"quality": [{"name": "errors", "namespace": "N", "metric": "M"}]},
            "a name of its own",
            id="a name that is taken",
        ),
        pytest.param(
            {"quality": [{"name": "score", "namespace": "N:1", "metric": "M"}]},
            "rollout.quality.0.namespace",
            id="no namespace of CloudWatch",
        ),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_why(plan: dict[str, Any], said: str) -> None:
    assert said in refused(plan)


@pytest.mark.parametrize(
    ("rollout", "alarms", "allowed"),
    [
        pytest.param({}, {}, {ERRORS: 0.05}, id="the alarm's rate"),
        pytest.param({"guard": {"error_rate": 0.2}}, {}, {ERRORS: 0.2}, id="a rate of its own"),
        pytest.param({}, {"error_rate": None}, {ERRORS: LAST_RESORT}, id="no rate at all"),
        pytest.param(
            {}, {"model_error_rate": 0.3}, {ERRORS: 0.05, MODEL_ERRORS: 0.3}, id="of both kinds"
        ),
    ],
)
def test_at_all_traffic_the_rates_of_the_alarms_are_allowed(
    rollout: dict[str, Any], alarms: dict[str, Any], allowed: dict[str, float]
) -> None:
    assert policy_of(taken(rollout, alarms=alarms)).allowed == allowed
