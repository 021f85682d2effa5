"""Endpoints that scale: suspended during a rollout, moved with what is promoted, else as before."""

from typing import Any

import pytest

from tests.e2e.folders import plan
from tests.e2e.line import Line

RARE = "ml.c4.2xlarge"
"""An instance type that no other test uses."""
LONG = plan(bake_minutes={"min": 60, "max": 60, "last": 60})
RESUMED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
SUSPENDED = {**RESUMED, "DynamicScalingInSuspended": True, "ScheduledScalingSuspended": True}


class Scaling:
    """What Application Auto Scaling has of a line's endpoint."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.client = line.stack.client("application-autoscaling")

    def given(self) -> None:
        """What is live scales by its load, between two and four instances, and at New Year."""
        on = self._named(self.live)
        self.client.register_scalable_target(**on, MinCapacity=2, MaxCapacity=4)
        self.client.put_scaling_policy(
            **on,
            PolicyName="load",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 70.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        )
        self.client.put_scheduled_action(
            **on,
            ScheduledActionName="new-year",
            Schedule="cron(0 0 1 1 ? *)",
            ScalableTargetAction={"MinCapacity": 1},
        )
        self.line.until("there are two instances", lambda: self.counts() == {self.live: 2} or None)

    @property
    def live(self) -> str:
        """The variant that is live."""
        return str(self.line.state()["live"]["variant"])

    def counts(self) -> dict[str, int]:
        """How many instances each variant has."""
        variants = self.line.endpoint().get("ProductionVariants", [])
        return {one["VariantName"]: one["CurrentInstanceCount"] for one in variants}

    def all(self) -> dict[str, Any]:
        """Bounds, suspensions, policies and schedules, by variant."""
        pages = self.client.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace="sagemaker"
        )
        found = [one for page in pages for one in page["ScalableTargets"]]
        return {
            one["ResourceId"].rsplit("/", 1)[-1]: self._told(one)
            for one in found
            if one["ResourceId"].startswith(f"endpoint/{self.line.name}/")
        }

    def until_restored(self) -> None:
        """Wait until the ledger owes no autoscaling any more."""
        self.line.until_event("ScalingRestored", self.line.state()["live"]["release"]["version"])
        assert "scaling" not in self.line.state()

    def _told(self, target: dict[str, Any]) -> Any:
        on = {name: target[name] for name in self._named("")}
        policies = self.client.describe_scaling_policies(**on)["ScalingPolicies"]
        actions = self.client.describe_scheduled_actions(**on)["ScheduledActions"]
        return (
            (target["MinCapacity"], target["MaxCapacity"]),
            target["SuspendedState"],
            [one["PolicyName"] for one in policies],
            [(one["ScheduledActionName"], one["Schedule"]) for one in actions],
        )

    def _named(self, variant: str) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.line.name}/variant/{variant}",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }


def usual(suspended: dict[str, bool]) -> Any:
    """What `Scaling.given` has made of a variant."""
    return (2, 4), suspended, ["load"], [("new-year", "cron(0 0 1 1 ? *)")]


@pytest.fixture
def scaling(churn: Line) -> Scaling:
    """Version 1 serves, and scales."""
    churn.serve_first()
    scaling = Scaling(churn)
    scaling.given()
    return scaling


def test_autoscaling_moves_to_what_is_promoted(churn: Line, scaling: Scaling) -> None:
    first = scaling.live
    churn.push(2)

    churn.approve(2)
    churn.until_phase("Baking")
    assert scaling.all() == {first: usual(SUSPENDED)}
    canary = churn.state()["rollout"]
    assert canary
    assert set(scaling.counts().values()) == {2}, "both are sized for the peak"
    churn.until_event("Settled", 2)
    scaling.until_restored()

    assert scaling.live != first
    assert scaling.all() == {scaling.live: usual(RESUMED)}
    assert scaling.counts() == {scaling.live: 2}, "live counts are never reset"
    told = [event for event, _ in churn.events() if event.startswith("Scaling")]
    assert told == ["ScalingSuspended", "ScalingMoved", "ScalingRestored"]


def test_after_an_aborted_canary_autoscaling_is_as_it_was(churn: Line, scaling: Scaling) -> None:
    before = scaling.all()
    churn.push(2, rollout=LONG)
    churn.approve(2)
    churn.until_phase("Baking")
    assert scaling.all() == {scaling.live: usual(SUSPENDED)}

    churn.reject(2)
    churn.until_event("Settled", 2)
    scaling.until_restored()

    assert scaling.all() == before == {scaling.live: usual(RESUMED)}
    assert scaling.counts() == {scaling.live: 2}


def test_a_rollback_takes_autoscaling_along(churn: Line, scaling: Scaling) -> None:
    churn.push(2)
    churn.approve(2)
    churn.until_event("Settled", 2)
    scaling.until_restored()
    settled = churn.history()[-1]

    churn.reject(2)
    churn.until_event("RolledBack", 1, after=settled["n"])
    churn.until_event("ScalingRestored", 1, after=settled["n"])

    assert churn.state()["live"]["release"]["version"] == 1
    assert scaling.all() == {scaling.live: usual(RESUMED)}
    assert scaling.counts() == {scaling.live: 2}


def test_when_the_holder_is_killed_autoscaling_is_restored(churn: Line, scaling: Scaling) -> None:
    churn.push(2, rollout=LONG)
    churn.approve(2)
    churn.until_phase("Baking")
    holder = churn.state()["holder"]
    machine = churn.stack.resources["RolloutStateMachine"]
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{holder}"

    churn.stack.client("stepfunctions").stop_execution(executionArn=execution)
    assert scaling.all() == {scaling.live: usual(SUSPENDED)}
    churn.until_event("ScalingRestored", 1, minutes=60)

    churn.until_serving({1: 100})
    assert scaling.all() == {scaling.live: usual(RESUMED)}


def test_an_update_that_exceeds_the_quota_is_not_begun(churn: Line) -> None:
    churn.serve_first(instance_type=RARE)
    churn.push(2, instance_type=RARE)
    since = churn.now()
    churn.stack.control("quotas", {RARE: 2})

    churn.approve(2)
    reasons = churn.until("the quota is named", lambda: _refused(churn) or None)

    assert reasons[0].startswith(f"QUOTA: {RARE}: 3 needed at the peak, 2 allowed, 0 used by")
    assert churn.weights() == {1: 100}
    assert churn.calls("sagemaker:UpdateEndpoint", since=since) == []
    churn.stack.control("quotas", {RARE: None})


def _refused(line: Line) -> list[str]:
    return [one["reason"] for one in line.history() if one["reason"].startswith("QUOTA: ")]
