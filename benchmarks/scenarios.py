"""The scenarios, made with the very package that is measured, so that they never lag behind it.

`python -m benchmarks.scenarios`, with the built layer on the path, writes them as JSON. One target,
`endpoint/churn`: version 3 serves it, version 4 is on its way.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from benchmarks.answers import alarms, announced, as_json, endpoint, head, package
from benchmarks.arrivals import event, task
from benchmarks.environment import MACHINE, scenario
from benchmarks.past import BAKE_SECONDS, ENDPOINT, TARGET, Past
from benchmarks.questions import a_question
from benchmarks.scenario import Scenario, dump_scenarios
from benchmarks.traffic import of_bake, of_history
from benchmarks.uploads import first_object, last_object, the_usual_way
from sluice.domain.inbox import MODEL
from sluice.domain.rollout import Action, Phase, Rollout
from sluice.domain.values import iso
from tests.builders import (
    ACCOUNT,
    AT,
    REGION,
    a_quota,
)


def all_scenarios() -> list[Scenario]:
    """In the order of a release's life."""
    return [
        first_object(),
        last_object(),
        _approved(),
        _prepared(),
        _shifted(),
        _watched(),
        _promoted(),
        _alarmed(),
        _rolled_back(),
        a_question(),
        the_usual_way(),
    ]


def _approved() -> Scenario:
    """Somebody approved version 4 while version 3 serves: its rollout starts."""
    past = Past()
    past.registered()
    return scenario(
        "approval",
        "reconcile_target",
        event(
            "aws.sagemaker",
            "SageMaker Model Package State Change",
            {"ModelPackageArn": past.new.package_arn, "ModelApprovalStatus": "Approved"},
        ),
        returns={"answers": [f"started {past.rollout().id}"]},
        ledger=past.items,
        answers={
            "sagemaker:DescribeModelPackage": package(past, "Approved"),
            "states:StartExecution": as_json(executionArn=MACHINE, startDate=AT.timestamp()),
            **announced(),
        },
    )


def _prepared() -> Scenario:
    """The rollout's first task: truth re-read, model, alarms and configurations created."""
    past = Past()
    past.registered()
    past.holds(past.rollout(), Phase.STARTING)
    return scenario(
        "new rollout",
        "prepare_rollout",
        task(past.rollout()),
        returns={"action": "Update", "provision_config": past.planned().provision_config},
        ledger=past.items,
        objects=past.captured,
        answers={
            "sagemaker:DescribeEndpoint": endpoint(past, past.live.endpoint_config, canary=None),
            "sagemaker:DescribeEndpointConfig": as_json(
                EndpointConfigName="churn-v3-e3",
                ProductionVariants=[
                    {
                        "VariantName": past.live.variant,
                        "ModelName": past.live.model,
                        "InstanceType": "ml.m5.large",
                    }
                ],
            ),
            "sagemaker:DescribeModelPackage": package(past, "Approved"),
            "sagemaker:CreateModel": as_json(ModelArn="arn:aws:sagemaker:::model/churn"),
            "sagemaker:CreateEndpointConfig": as_json(
                EndpointConfigArn="arn:aws:sagemaker:::endpoint-config/churn"
            ),
            "s3:HeadObject": head(MODEL),
            "ecr:DescribeImages": as_json(imageDetails=[{"imageDigest": f"sha256:{'a' * 64}"}]),
            "monitoring:GetMetricData": of_history(past.planned(), now=AT),
            "monitoring:PutMetricAlarm": as_json(),
            "monitoring:DescribeAlarms": alarms(past.planned()),
            "application-autoscaling:DescribeScalableTargets": as_json(ScalableTargets=[]),
            "servicequotas:ListServiceQuotas": as_json(Quotas=[a_quota(8)]),
            "sagemaker:ListEndpoints": as_json(Endpoints=[{"EndpointName": ENDPOINT}]),
            **announced(),
        },
    )


def _shifted() -> Scenario:
    """The canary gets its first weight."""
    past = Past()
    rollout = past.provisioned()
    past.holds(rollout, Phase.PROVISIONING)
    return scenario(
        "first step",
        "shift_traffic",
        task(rollout),
        returns={"action": "Shift", "position": 0},
        ledger=past.items,
        answers={"sagemaker:UpdateEndpointWeightsAndCapacities": as_json(EndpointArn="arn")},
    )


def _watched() -> Scenario:
    """The schedule, one canary that has baked well: its machine is woken."""
    past = Past()
    rollout = past.provisioned()
    past.holds(rollout, Phase.BAKING, token="t" * 600, parked_at=AT)
    tick = event("aws.events", "Scheduled Event", {}, later=BAKE_SECONDS)
    now = AT + timedelta(seconds=BAKE_SECONDS)
    counted, reason = of_bake(rollout, parked_at=AT, now=now)
    return scenario(
        "schedule, one rollout in flight",
        "watch_rollout",
        tick,
        returns={"woken": {TARGET: f"Shift: {reason} while {_share(rollout)}"}},
        ledger=past.items,
        answers={
            "sagemaker:DescribeEndpoint": endpoint(past, rollout.provision_config, canary=5.0),
            "monitoring:DescribeAlarms": alarms(rollout),
            "monitoring:GetMetricData": counted,
            "states:SendTaskSuccess": as_json(),
        },
    )


def _promoted() -> Scenario:
    """The canary passed its last step."""
    past = Past()
    rollout = past.provisioned().to(Action.PROMOTE, "400 requests and no alarm", position=3)
    past.holds(rollout, Phase.BAKING)
    return scenario(
        "promotion",
        "settle_rollout",
        task(rollout),
        returns={"outcome": "Promoted", "settle_config": rollout.release.endpoint_config},
        ledger=past.items,
        answers={
            "sagemaker:DescribeEndpoint": endpoint(past, rollout.provision_config, canary=100.0),
            **announced(),
        },
    )


def _alarmed() -> Scenario:
    """An alarm on the baking canary: its machine is woken to roll back."""
    past = Past()
    rollout = past.provisioned()
    past.holds(rollout, Phase.BAKING, token="t" * 600, parked_at=AT)
    alarm = rollout.release.alarms[0]
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"
    past.watches(arn)
    fired = event(
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        {
            "alarmName": alarm,
            "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": iso(AT)},
        },
    )
    return scenario(
        "alarm on a canary",
        "handle_alarm",
        {**fired, "resources": [arn]},
        returns={"answer": "woke the holder"},
        ledger=past.items,
        answers={"states:SendTaskSuccess": as_json()},
    )


def _rolled_back() -> Scenario:
    """The woken machine's next task: the canary's traffic is taken away."""
    past = Past()
    rollout = past.provisioned().to(Action.ROLL_BACK, "alarm", blames=True)
    past.holds(rollout, Phase.BAKING)
    return scenario(
        "rollback",
        "shift_traffic",
        task(rollout),
        returns={"action": "RollBack"},
        ledger=past.items,
        answers={
            "sagemaker:DescribeEndpoint": endpoint(past, rollout.provision_config, canary=5.0),
            "sagemaker:UpdateEndpointWeightsAndCapacities": as_json(EndpointArn="arn"),
        },
    )


def _share(rollout: Rollout) -> str:
    return f"{rollout.release.variant} had {rollout.weight} %"


if __name__ == "__main__":
    sys.stdout.write(dump_scenarios(all_scenarios()))
