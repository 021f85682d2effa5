"""`config.json` and `evaluation-results.json`: what is taken, and what the refusal says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.floors import (
    Floors,
    parse_evaluation_floors,
    refuse_config,
    refuse_evaluation,
)
from sluice.domain.image import ImageReference, parse_image
from sluice.domain.plan import Strategy
from sluice.domain.pushed import ModelConfig, parse_config, parse_evaluation
from sluice.domain.refusal import ADVICE, Reason, Refusal
from sluice.domain.unsafe import FIELDS, MEANT
from tests.builders import ACCOUNT, DIGEST, REGION, REPOSITORY, a_config

ROLE = f"arn:aws:iam::{ACCOUNT}:role/models/churn"
EVERYTHING: dict[str, Any] = {
    "image_uri": f"{REPOSITORY}:1.4",
    "instance_type": "ml.g5.2xlarge",
    "instance_count": 2,
    "environment": {"MODEL_SERVER_WORKERS": "2"},
    "content_types": ["application/json", "text/csv"],
    "response_types": ["application/json"],
    "inference_scripts": [{"file": "code/preprocess.py", "version": "1.4.0"}],
    "smoke_test": {
        "content_type": "text/csv",
        "body_file": "smoke/request.csv",
        "accept": "application/json",
        "expect": {
            "status": 200,
            "content_type": "application/json",
            "contains": "score",
            "fields": ["score"],
            "equals": {"/label": "cat", "/n": 3, "/ok": True, "/none": None},
            "between": {"/score": [0, 1]},
            "within_ms": 800,
        },
        "warm_up_seconds": 120,
    },
    "endpoint_name": "churn-live",
    "execution_role_arn": ROLE,
    "rollout": {
        "strategy": "canary",
        "steps": [10, 100],
        "bake_minutes": {"min": 5, "max": 30, "last": 60},
        "hold_max_hours": 24,
        "analysis": {"alpha": 0.01, "beta": 0.05, "tolerate_ratio": 1, "margin_abs": 0.005},
        "latency_slo_ms": 500,
        "on_inconclusive": "rollback",
        "standby_minutes": 0,
        "capacity": "follow_weight",
    },
    "alarms": {"error_rate": 0.02, "model_error_rate": 0.05, "latency_ms": 700},
}


def taken(**changes: Any) -> ModelConfig:
    config = parse_config(json.dumps(a_config(**changes)).encode())
    assert isinstance(config, ModelConfig)
    return config


def refused(config: Any) -> Refusal:
    refusal = parse_config(json.dumps(config).encode())
    assert isinstance(refusal, Refusal)
    return refusal


def test_a_config_with_every_field_is_taken_as_it_stands() -> None:
    config = taken(**EVERYTHING)

    assert config.named_files == ("code/preprocess.py", "smoke/request.csv")
    assert config.rollout.steps == (10, 100)
    assert config.rollout.strategy is Strategy.CANARY
    assert config.alarms.latency_ms == 700


def test_what_a_config_leaves_out_has_a_careful_default() -> None:
    config = taken()

    assert config.rollout.steps == (5, 25, 50, 100)
    assert config.rollout.bake_minutes.min == 5
    assert config.alarms.error_rate == 0.05
    assert config.named_files == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"image_uri": ...}, "image_uri: Field required", id="no image"),
        pytest.param(
            {"instance_type": ...}, "either instance_type or serverless", id="no instance"
        ),
        pytest.param({"instance_type": "m5.large"}, "instance_type", id="not a SageMaker type"),
        pytest.param({"instance_count": "2"}, "instance_count", id="a number as text"),
        pytest.param({"instance_count": True}, "instance_count", id="a truth as a number"),
        pytest.param({"instance_count": 0}, "instance_count", id="no instances"),
        pytest.param({"instance_cuont": 2}, "instance_cuont: Extra inputs", id="a misspelling"),
        pytest.param({"environment": {"A-B": "1"}}, "environment", id="no variable's name"),
        pytest.param({"environment": {"A": 1}}, "environment.A", id="a value that is no text"),
        pytest.param(
            {"environment": {f"V{n}": "1" for n in range(17)}}, "environment", id="17 variables"
        ),
        pytest.param({"endpoint_name": "a" * 41}, "endpoint_name", id="no room for suffixes"),
        pytest.param({"endpoint_name": "churn-"}, "endpoint_name", id="not an endpoint's name"),
        pytest.param({"execution_role_arn": "serving"}, "execution_role_arn", id="no ARN"),
        pytest.param(
            {"execution_role_arn": f"arn:aws:iam::{ACCOUNT}:role/*"},
            "execution_role_arn",
            id="any role at all",
        ),
        pytest.param({"content_types": []}, "content_types", id="takes nothing"),
        pytest.param({"content_types": ["json"]}, "content_types.0", id="no MIME type"),
        pytest.param(
            {"inference_scripts": [{"file": "../../etc/passwd", "version": "1"}]},
            "inference_scripts.0.file",
            id="a path out of the folder",
        ),
        pytest.param(
            {"inference_scripts": [{"file": "/etc/passwd", "version": "1"}]},
            "inference_scripts.0.file",
            id="an absolute path",
        ),
        pytest.param(
            {"inference_scripts": [{"file": "manifest.dsse.json", "version": "1"}]},
            "inference_scripts.0.file",
            id="the name of a signature",
        ),
        pytest.param({"smoke_test": {}}, "smoke_test", id="a smoke test without a body"),
        pytest.param(
            {"smoke_test": {"body": "1", "body_file": "request.csv"}},
            "smoke_test",
            id="a smoke test with two bodies",
        ),
        *(
            pytest.param(
                {"smoke_test": {"body": "1", "expect": expect}},
                f"expect.{field}",
                id=f"expects {expect}",
            )
            for field, expect in [
                ("status", {"status": 302}),
                ("status", {"status": 600}),
                ("within_ms", {"within_ms": 30_001}),
                ("equals", {"equals": {"score": 1}}),
                ("equals", {"equals": {"/score": {"a": 1}}}),
                ("equals", {"equals": {f"/{n}": n for n in range(21)}}),
                ("between", {"between": {"/score": [1, 0]}}),
                ("between", {"between": {"/score": [1]}}),
                ("latency", {"latency": 3}),
            ]
        ),
        pytest.param(
            {"smoke_test": {"body": "1", "warm_up_seconds": 241}}, "warm_up", id="warms up for ever"
        ),
        pytest.param({"rollout": {"steps": [5, 50]}}, "end in 100", id="steps that never arrive"),
        pytest.param({"rollout": {"steps": [5, 5, 100]}}, "rise strictly", id="a step twice"),
        pytest.param({"rollout": {"steps": [50, 25, 100]}}, "rise strictly", id="a step back"),
        pytest.param({"rollout": {"steps": [0, 100]}}, "rollout.steps.0", id="a step of nothing"),
        pytest.param({"rollout": {"steps": []}}, "rollout.steps", id="no steps"),
        pytest.param({"rollout": {"strategy": "yolo"}}, "rollout.strategy", id="no strategy"),
        pytest.param(
            {"rollout": {"bake_minutes": {"min": 30, "max": 5}}}, "bake_minutes", id="max under min"
        ),
        pytest.param({"rollout": {"analysis": {"alpha": 0}}}, "alpha", id="a judge that sleeps"),
        pytest.param({"alarms": {"error_rate": 1}}, "alarms.error_rate", id="can never fire"),
        pytest.param({"alarms": {"error_rate": 0}}, "alarms.error_rate", id="fires for ever"),
        pytest.param(
            {"alarms": {"datapoints": 4, "evaluation_periods": 3}}, "alarms", id="unreachable"
        ),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(changes: dict[str, Any], said: str) -> None:
    refusal = refused(a_config(**changes))

    assert refusal.reason is Reason.INVALID_CONFIG
    assert said in refusal.detail


def test_a_config_that_is_no_object_is_refused() -> None:
    assert refused([1]).reason is Reason.INVALID_CONFIG


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_what_cannot_be_rolled_out_safely_is_refused_by_name(field: str) -> None:
    refusal = refused(a_config(**{field: {}}))

    assert refusal.reason is FIELDS[field]
    assert refusal.detail == f"{field}: {MEANT[FIELDS[field]]} are not rolled out"


def test_every_refusal_says_what_to_do() -> None:
    assert ADVICE.keys() == set(Reason)
    assert len(set(ADVICE.values())) == len(ADVICE)


SERVERLESS = {"memory_size_mb": 2048, "max_concurrency": 20, "provisioned_concurrency": 5}


def serverless(**changes: Any) -> dict[str, Any]:
    """A config of a serverless endpoint."""
    usual = {"instance_type": ..., "serverless": SERVERLESS, "rollout": {"strategy": "guardrail"}}
    return a_config(**{**usual, **changes})


def test_a_serverless_endpoint_takes_the_strategy_guardrail() -> None:
    config = parse_config(json.dumps(serverless()).encode())

    assert isinstance(config, ModelConfig)
    assert config.serverless
    assert config.serverless.memory_size_mb == 2048
    assert refuse_config(config, Floors(strategies=(Strategy.GUARDRAIL,))) is None
    refusal = refuse_config(config, Floors(strategies=(Strategy.CANARY,)))
    assert refusal
    assert "comes to guardrail" in refusal.detail


def test_a_stored_config_of_a_serverless_endpoint_is_read_again() -> None:
    config = ModelConfig.model_validate_json(json.dumps(serverless()))

    assert ModelConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("config", "said"),
    [
        pytest.param(
            a_config(rollout={"strategy": "guardrail"}),
            "`guardrail` is for serverless endpoints",
            id="instances can do better",
        ),
        pytest.param(serverless(rollout={}), "canary needs a second variant", id="by default"),
        pytest.param(
            serverless(rollout={"strategy": "all_at_once"}), "all_at_once needs", id="all at once"
        ),
    ],
)
def test_a_strategy_that_the_fleet_cannot_follow_is_refused_by_name(config: Any, said: str) -> None:
    refusal = refused(config)

    assert refusal.reason is Reason.STRATEGY
    assert refusal.detail.startswith("rollout.strategy: ")
    assert said in refusal.detail


@pytest.mark.parametrize(
    ("config", "said"),
    [
        pytest.param(serverless(instance_type="ml.m5.large"), "instance_type", id="both fleets"),
        pytest.param(serverless(instance_count=2), "instance_count", id="a count of nothing"),
        pytest.param(
            serverless(rollout={"strategy": "guardrail", "steps": [5, 100]}), "rollout.steps"
        ),
        pytest.param(
            serverless(serverless={**SERVERLESS, "memory_size_mb": 1000}), "memory_size_mb"
        ),
        pytest.param(
            serverless(serverless={**SERVERLESS, "provisioned_concurrency": 21}), "must not exceed"
        ),
        pytest.param(serverless(serverless={**SERVERLESS, "max_concurrency": 201}), "concurrency"),
    ],
)
def test_a_serverless_fleet_is_described_in_its_own_terms(config: Any, said: str) -> None:
    refusal = refused(config)

    assert refusal.reason is Reason.INVALID_CONFIG
    assert said in refusal.detail


def test_a_config_with_very_many_mistakes_gets_a_short_answer() -> None:
    refusal = refused(a_config(**{f"mistake{n}": n for n in range(500)}))

    assert len(refusal.detail) < 1000
    assert refusal.detail.endswith("and 490 more")


@pytest.mark.parametrize(
    ("floors", "changes", "said"),
    [
        pytest.param(Floors(), {}, None, id="no floors"),
        pytest.param(Floors(minimum_bake_minutes=5), {}, None, id="exactly on the floor"),
        pytest.param(
            Floors(minimum_bake_minutes=6), {}, "minimum_bake_minutes is 6", id="bakes too short"
        ),
        pytest.param(
            Floors(strategies=(Strategy.CANARY,)),
            {"rollout": {"strategy": "all_at_once"}},
            "the stack allows canary",
            id="no canary",
        ),
        pytest.param(
            Floors(strategies=(Strategy.CANARY,)),
            {"rollout": {"steps": [100]}},
            "the stack allows canary",
            id="a canary of all traffic",
        ),
        pytest.param(
            Floors(minimum_alpha=0.001),
            {"rollout": {"analysis": {"alpha": 1e-9}}},
            "minimum_alpha is 0.001",
            id="a judge that hardly ever speaks",
        ),
        pytest.param(
            Floors(required_alarms=("error_rate",)),
            {"alarms": {"error_rate": None}},
            "alarms.error_rate is not set",
            id="a mandatory alarm left out",
        ),
        pytest.param(Floors(required_alarms=("error_rate",)), {}, None, id="the alarm is there"),
        pytest.param(
            Floors(),
            {"execution_role_arn": ROLE},
            f"execution_role_arn is {ROLE}, execution_roles allows none",
            id="a role nobody listed",
        ),
        pytest.param(
            Floors(execution_roles=(f"{ROLE}s",)),
            {"execution_role_arn": ROLE},
            f"execution_roles allows {ROLE}s",
            id="a role like one on the list",
        ),
        pytest.param(
            Floors(execution_roles=(ROLE,)), {"execution_role_arn": ROLE}, None, id="a listed role"
        ),
        pytest.param(
            Floors(require_smoke_test=True),
            {},
            "smoke_test is not set, require_smoke_test demands it",
            id="no smoke test",
        ),
        pytest.param(
            Floors(require_smoke_test=True), {"smoke_test": {"body": "1"}}, None, id="a smoke test"
        ),
    ],
)
def test_a_config_below_a_floor_is_told_which(
    floors: Floors, changes: dict[str, Any], said: str | None
) -> None:
    refusal = refuse_config(taken(**changes), floors)

    assert (refusal is None) == (said is None)
    assert refusal is None or (refusal.reason is Reason.BELOW_FLOOR and said in refusal.detail)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("results", "metrics"),
    [
        pytest.param({"accuracy": 0.87}, {"accuracy": 0.87}, id="flat"),
        pytest.param(
            {"test": {"f1": 1, "note": "held out"}}, {"test.f1": 1.0}, id="nested, and text"
        ),
        pytest.param({"a": True, "b": None, "c": [1, 2], "d": -0.5}, {"d": -0.5}, id="no numbers"),
    ],
)
def test_numbers_of_an_evaluation_get_dotted_names(results: Any, metrics: dict[str, float]) -> None:
    assert parse_evaluation(json.dumps(results).encode()) == metrics


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", Reason.MALFORMED_JSON, id="empty"),
        pytest.param(b'{"accuracy": NaN}', Reason.MALFORMED_JSON, id="NaN"),
        pytest.param(b"0.87", Reason.INVALID_EVALUATION, id="a bare number"),
        pytest.param(b"{}", Reason.INVALID_EVALUATION, id="no number"),
        pytest.param(b'{"accuracy": "0.87"}', Reason.INVALID_EVALUATION, id="a number as text"),
        pytest.param(b'{"accuracy": true}', Reason.INVALID_EVALUATION, id="a truth"),
        pytest.param(
            json.dumps({f"m{n}": n for n in range(201)}).encode(),
            Reason.INVALID_EVALUATION,
            id="too many numbers",
        ),
        pytest.param(
            json.dumps({"x" * 200: {"y" * 100: 1}}).encode(),
            Reason.INVALID_EVALUATION,
            id="too long a name",
        ),
    ],
)
def test_an_evaluation_without_usable_numbers_is_refused(data: bytes, reason: Reason) -> None:
    refusal = parse_evaluation(data)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        pytest.param({"accuracy": 0.8, "f1": 0.9}, None, id="on the floor"),
        pytest.param({"accuracy": 0.79, "f1": 0.9}, "accuracy is 0.79, its floor is 0.8", id="low"),
        pytest.param({"accuracy": 0.8}, "f1 is absent, its floor is 0.7", id="absent"),
    ],
)
def test_an_evaluation_below_a_floor_is_told_which(
    metrics: dict[str, float], said: str | None
) -> None:
    refusal = refuse_evaluation(metrics, Floors(evaluation={"accuracy": 0.8, "f1": 0.7}))

    wanted = Refusal(reason=Reason.EVALUATION_BELOW_FLOOR, detail=said) if said else None
    assert refusal == wanted


@pytest.mark.parametrize(
    ("text", "floors"),
    [
        ("", {}),
        ("accuracy=0.8", {"accuracy": 0.8}),
        (" accuracy = 0.8 , test.f1=1 ", {"accuracy": 0.8, "test.f1": 1.0}),
    ],
)
def test_evaluation_floors_are_read_from_one_line(text: str, floors: dict[str, float]) -> None:
    assert parse_evaluation_floors(text) == floors


@pytest.mark.parametrize("text", ["accuracy", "=0.8", "accuracy=high", "accuracy=nan"])
def test_a_floor_the_operator_misspelt_stops_the_function(text: str) -> None:
    with pytest.raises(ValueError, match=r"float|metric=number"):
        parse_evaluation_floors(text)


@pytest.mark.parametrize(
    ("uri", "tag", "digest"),
    [
        (f"{REPOSITORY}:1.4", "1.4", ""),
        (f"{REPOSITORY}/serving:latest", "latest", ""),
        (f"{REPOSITORY}@{DIGEST}", "", DIGEST),
    ],
)
def test_an_image_of_ours_is_recognised_by_tag_or_digest(uri: str, tag: str, digest: str) -> None:
    image = parse_image(uri, account=ACCOUNT, region=REGION)

    assert isinstance(image, ImageReference)
    assert (image.tag, image.digest) == (tag, digest)
    assert image.pinned(DIGEST).endswith(f"@{DIGEST}")


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(REPOSITORY, id="neither tag nor digest"),
        pytest.param(f"{REPOSITORY}:1.4@{DIGEST}", id="tag and digest"),
        pytest.param(f"{REPOSITORY}@sha256:beef", id="half a digest"),
        pytest.param("docker.io/library/python:3.13", id="another registry"),
        pytest.param("public.ecr.aws/docker/library/python:3.13", id="a public registry"),
        pytest.param(f"{REPOSITORY.replace(ACCOUNT, '999999999999')}:1", id="another account"),
        pytest.param(f"{REPOSITORY.replace(REGION, 'eu-west-1')}:1", id="another Region"),
        pytest.param(f"{REPOSITORY}/{'x' * 200}:1", id="too long by its digest"),
        pytest.param(f"{REPOSITORY}:1.4\n", id="a line break"),
    ],
)
def test_an_image_that_cannot_be_pinned_is_refused(uri: str) -> None:
    refusal = parse_image(uri, account=ACCOUNT, region=REGION)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.IMAGE_NOT_OURS


def test_every_reason_says_what_to_change() -> None:
    assert set(ADVICE) == set(Reason)
    assert all(ADVICE.values())


@given(st.binary(max_size=400))
def test_no_config_makes_the_reader_fail_in_any_other_way(data: bytes) -> None:
    assert isinstance(parse_config(data), ModelConfig | Refusal)
    assert isinstance(parse_evaluation(data), dict | Refusal)
