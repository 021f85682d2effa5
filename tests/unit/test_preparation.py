"""Whether a rollout may begin, and the plan it follows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.errors import DisplacedError
from sluice.domain.package import customer_metadata, specification
from sluice.domain.plan import BakeMinutes, OnInconclusive, RolloutPlan, Strategy
from sluice.domain.preparation import (
    Truth,
    fleet_objection,
    in_its_kind,
    objection,
    planned,
    recorded,
    steps,
    target_objection,
)
from sluice.domain.pushed import Serverless
from sluice.domain.refusal import ADVICE, Reason
from sluice.domain.release import ApprovalStatus
from sluice.domain.rollout import Action, Kind, Rollout, Step
from sluice.domain.unsafe import features
from sluice.domain.verifying import Packaged
from tests.builders import (
    CANARY,
    a_guarded,
    a_manifest,
    a_rollout,
    a_state,
    an_endpoint,
)

if TYPE_CHECKING:
    from sluice.domain.manifest import Manifest
    from sluice.domain.watching import EndpointView

MANIFEST = a_manifest()
PACKAGE = Packaged(
    approval=ApprovalStatus.APPROVED,
    metadata=customer_metadata(MANIFEST, CANARY.digest),
    specification=specification(MANIFEST, CANARY.digest),
)
TRUTH = Truth(
    package=PACKAGE,
    vault_complaint="",
    unsigned="",
    image_present=True,
    role_allowed=True,
)
PENDING, REJECTED = ApprovalStatus.PENDING, ApprovalStatus.REJECTED


def now(approval: ApprovalStatus) -> Packaged:
    return replace(PACKAGE, approval=approval)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({}, "", id="what was approved is what runs"),
        pytest.param({"package": None}, "PACKAGE_GONE", id="deleted"),
        pytest.param({"package": now(REJECTED)}, "NOT_APPROVED", id="rejected since"),
        pytest.param({"package": now(PENDING)}, "NOT_APPROVED", id="pending again"),
        pytest.param({"package": replace(PACKAGE, metadata={})}, "PACKAGE_CHANGED", id="metadata"),
        pytest.param(
            {"package": replace(PACKAGE, specification={})}, "PACKAGE_CHANGED", id="no container"
        ),
        pytest.param({"unsigned": "SIGNATURE_INVALID: no"}, "SIGNATURE_INVALID", id="unsigned"),
        pytest.param({"vault_complaint": "k changed"}, "ARTIFACT_CHANGED", id="other bytes"),
        pytest.param({"image_present": False}, "IMAGE_GONE", id="image deleted"),
        pytest.param({"role_allowed": False}, "ROLE_NOT_ALLOWED", id="role taken off the list"),
    ],
)
def test_a_release_is_deployed_as_it_was_approved_or_not_at_all(
    changed: dict[str, Any], reason: str
) -> None:
    said = objection(CANARY, MANIFEST, replace(TRUTH, **changed))

    assert said.partition(":")[0] == reason


@pytest.mark.parametrize(
    ("rollout", "endpoint", "reason"),
    [
        pytest.param(a_rollout(), an_endpoint(v3_e3=1), "", id="a canary beside stable"),
        pytest.param(a_rollout(Kind.ALL_AT_ONCE), None, "", id="a first deployment"),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE),
            an_endpoint(config=CANARY.endpoint_config, v4_e5=1),
            "",
            id="a first deployment, prepared twice",
        ),
        pytest.param(a_rollout(Kind.ROLL_BACK), an_endpoint(v3_e3=1), "", id="a rollback"),
        pytest.param(a_rollout(), None, "ENDPOINT_GONE", id="the endpoint was deleted"),
        pytest.param(a_rollout(Kind.ROLL_BACK), None, "", id="a rollback puts up what is gone"),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE),
            an_endpoint(config="by-hand", v1=1),
            "ENDPOINT_NOT_OURS",
            id="somebody else's endpoint",
        ),
        pytest.param(
            a_rollout(), an_endpoint("Failed", v3_e3=1), "ENDPOINT_FAILED", id="it failed"
        ),
        pytest.param(a_rollout(), an_endpoint(v2_e2=1), "STABLE_GONE", id="stable is not on it"),
    ],
)
def test_an_endpoint_takes_the_rollout_or_does_not(
    rollout: Rollout, endpoint: EndpointView | None, reason: str
) -> None:
    assert target_objection(rollout, endpoint).partition(":")[0] == reason


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        pytest.param(Kind.CANARY, "DataCapture", id="a canary would end the capture silently"),
        pytest.param(Kind.ALL_AT_ONCE, "DataCapture", id="an endpoint that is not ours"),
    ],
)
def test_an_endpoint_with_what_we_would_drop_is_refused_by_name(kind: Kind, reason: str) -> None:
    said = target_objection(a_rollout(kind), an_endpoint(v3_e3=1), frozenset({Reason.DATA_CAPTURE}))

    assert said.partition(":")[0] == reason
    assert said.endswith(ADVICE[Reason.DATA_CAPTURE])


ENDPOINT: dict[str, Any] = {"ProductionVariants": [{"VariantName": "v", "CurrentWeight": 1.0}]}
CONFIG: dict[str, Any] = {"ProductionVariants": [{"VariantName": "v", "ModelName": "m"}]}


@pytest.mark.parametrize(
    ("endpoint", "config", "found"),
    [
        pytest.param({}, {}, set(), id="an endpoint like ours"),
        pytest.param({"AsyncInferenceConfig": {"a": 1}}, {}, {Reason.ASYNCHRONOUS}),
        pytest.param({}, {"ShadowProductionVariants": [{}]}, {Reason.SHADOW_VARIANTS}),
        pytest.param({"ExplainerConfig": {"c": {}}}, {}, {Reason.EXPLAINER}),
        pytest.param({"DataCaptureConfig": {"EnableCapture": True}}, {}, {Reason.DATA_CAPTURE}),
        pytest.param({}, {"DataCaptureConfig": {"EnableCapture": True}}, {Reason.DATA_CAPTURE}),
        pytest.param({"DataCaptureConfig": {"EnableCapture": False}}, {}, set(), id="switched off"),
        pytest.param(
            {},
            {"ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.m5.large"}]},
            {Reason.INFERENCE_COMPONENTS},
            id="a variant without a model",
        ),
    ],
)
def test_what_an_endpoint_has_is_read_from_both_descriptions(
    endpoint: dict[str, Any], config: dict[str, Any], found: set[Reason]
) -> None:
    assert features({**ENDPOINT, **endpoint}, {**CONFIG, **config}) == found


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(
            RolloutPlan(steps=(5, 10, 100), bake_minutes=BakeMinutes(min=5, max=30, last=60)),
            (
                Step(weight=5, min_seconds=300, max_seconds=1800, data_seconds=300),
                Step(weight=10, min_seconds=300, max_seconds=3600, data_seconds=300),
                Step(weight=100, min_seconds=3600, max_seconds=5100, data_seconds=300),
            ),
            id="the step that needs evidence has the time of the last",
        ),
        pytest.param(
            RolloutPlan(
                strategy=Strategy.ALL_AT_ONCE, bake_minutes=BakeMinutes(min=5, max=5, last=5)
            ),
            (Step(weight=100, min_seconds=300, max_seconds=300, data_seconds=300),),
            id="all at once is one step",
        ),
    ],
)
def test_steps_follow_the_plan(plan: RolloutPlan, expected: tuple[Step, ...]) -> None:
    assert steps(plan) == expected


def with_plan(rollout: Rollout, **plan: Any) -> Rollout:
    config = MANIFEST.config.model_copy(update={"rollout": RolloutPlan(**plan)})
    manifest = MANIFEST.model_copy(update={"config": config})
    return planned(rollout, manifest)


@pytest.mark.parametrize(
    ("kind", "action", "config", "stepwise", "standby"),
    [
        pytest.param(
            Kind.CANARY, Action.UPDATE, "churn-v3-v4-e5-both", True, 40 * 60, id="a canary"
        ),
        pytest.param(
            Kind.ALL_AT_ONCE, Action.CREATE, "churn-v4-e5", False, 60 * 60, id="a first deployment"
        ),
        pytest.param(Kind.ROLL_BACK, Action.UPDATE, "churn-v4-e5", False, 60 * 60, id="a rollback"),
    ],
)
def test_a_prepared_rollout_knows_its_course(
    kind: Kind, action: Action, config: str, stepwise: bool, standby: int
) -> None:
    bare = a_rollout(kind, steps=(), provision_config="", standby_seconds=0)

    made = with_plan(bare, standby_minutes=40, hold_max_hours=2)

    assert (made.action, made.provision_config) == (action, config)
    assert (bool(made.steps), made.standby_seconds) == (stepwise, standby)
    assert made.hold_seconds == 2 * 3600


def test_all_at_once_is_a_canary_of_one_step_whose_old_variant_stands_by() -> None:
    bake = BakeMinutes(min=5, max=30, last=60)

    made = with_plan(
        a_rollout(steps=()), strategy=Strategy.ALL_AT_ONCE, bake_minutes=bake, standby_minutes=40
    )

    assert [(step.weight, step.min_seconds) for step in made.steps] == [(100, 60 * 60)]
    assert made.provision_config == "churn-v3-v4-e5-both"
    assert (made.action, made.weight, made.standby_seconds) == (Action.UPDATE, 0, 40 * 60)


SERVERLESS = Serverless(memory_size_mb=2048, max_concurrency=5)


def on_serverless(**plan: Any) -> Manifest:
    update = {"serverless": SERVERLESS, "instance_type": None, "rollout": RolloutPlan(**plan)}
    return MANIFEST.model_copy(update={"config": MANIFEST.config.model_copy(update=update)})


@pytest.mark.parametrize(
    ("kind", "becomes", "by_config"),
    [
        pytest.param(Kind.CANARY, Kind.GUARDRAIL, True, id="no second variant"),
        pytest.param(Kind.ROLL_BACK, Kind.ROLL_BACK, True, id="a rollback is an update anyway"),
        pytest.param(Kind.ALL_AT_ONCE, Kind.ALL_AT_ONCE, False, id="created, not updated"),
    ],
)
def test_a_serverless_endpoint_keeps_one_variant_name_and_is_told_by_configuration(
    kind: Kind, becomes: Kind, by_config: bool
) -> None:
    made = in_its_kind(a_rollout(kind), on_serverless())

    assert (made.kind, made.release.variant) == (becomes, "serverless")
    assert made.release.metric_config == (CANARY.endpoint_config if by_config else "")
    assert in_its_kind(made, on_serverless()) == made, "prepared twice"


def test_a_guarded_update_is_one_step_on_a_configuration_of_its_own() -> None:
    manifest = on_serverless(strategy=Strategy.GUARDRAIL, standby_minutes=40)

    made = planned(in_its_kind(a_rollout(), manifest), manifest)

    assert (made.action, made.provision_config) == (Action.UPDATE, CANARY.endpoint_config)
    assert [step.weight for step in made.steps] == [100]
    assert made.standby_seconds == 40 * 60


@pytest.mark.parametrize(
    ("manifest", "standing", "said"),
    [
        pytest.param(MANIFEST, MANIFEST, "", id="instances"),
        pytest.param(on_serverless(), on_serverless(), "", id="serverless"),
        pytest.param(on_serverless(), MANIFEST, "OTHER_FLEET", id="instances become serverless"),
        pytest.param(MANIFEST, on_serverless(), "OTHER_FLEET", id="serverless becomes instances"),
    ],
)
def test_an_endpoint_does_not_change_its_fleet(
    manifest: Manifest, standing: Manifest, said: str
) -> None:
    assert fleet_objection(manifest, standing).partition(":")[0] == said


def test_the_plan_is_remembered_before_anything_follows_it() -> None:
    made = a_guarded()

    change = recorded(a_state(a_rollout()), made)

    assert change.state.rollout == made
    with pytest.raises(DisplacedError):
        recorded(a_state(), made)


@pytest.mark.parametrize(
    ("plan", "action"),
    [
        (OnInconclusive.HOLD, Action.HOLD),
        (OnInconclusive.PROMOTE, Action.PROMOTE),
        (OnInconclusive.ROLLBACK, Action.ROLL_BACK),
    ],
)
def test_doubt_is_met_as_the_plan_says(plan: OnInconclusive, action: Action) -> None:
    assert with_plan(a_rollout(), on_inconclusive=plan).on_inconclusive is action
