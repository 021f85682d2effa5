"""Autoscaling of an endpoint while releases come and go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sluice.domain.rollout import Action, Kind, Rollout
from sluice.domain.scalable import Suspended, Suspension
from sluice.events.tasks import dump_rollout
from tests.builders import AT, CANARY, a_rollout, a_state
from tests.integration.scaled import DIMENSION, RESUMED, SUSPENDED, Scaled, berlin

if TYPE_CHECKING:
    from tests.integration.captured import Captured
    from tests.integration.rollouts import Wire, World

CHANGES = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy")


@pytest.fixture
def serving(world: World) -> World:
    """Version 4 has all traffic beside version 3, whose autoscaling is suspended."""
    world.given_versions(1, 2, 3, 4)
    world.given_endpoint("churn-v3-v4-e5-both", v3_e3=0, v4_e5=100)
    return world


def settle(world: World, rollout: Rollout) -> Rollout:
    event = {"rollout": dump_rollout(rollout), "at": "2026-05-03T14:00:00.000Z"}
    return Rollout.model_validate(world.call("settle_rollout", event))


# Before anything moves.


def test_scaling_in_and_schedules_are_suspended_while_a_rollout_runs(
    captured: Captured, scaled: Scaled
) -> None:
    scaled.given("v1-e1")

    assert captured.prepare(captured.start()).action is Action.UPDATE

    assert scaled.targets() == {"v1-e1": (1, 8, SUSPENDED)}
    owed = captured.world.state.scaling
    assert owed
    assert (owed.before.variant, owed.before.suspended) == ("v1-e1", Suspended())
    assert [one.name for one in owed.before.policies] == ["load"]
    assert [one.timezone for one in owed.before.actions] == ["Europe/Berlin"]
    assert "ScalingSuspended" in captured.world.history()


def test_the_suspension_is_written_down_before_it_is_made(
    captured: Captured, scaled: Scaled, wire: Wire
) -> None:
    scaled.given("v1-e1")
    wire.refuse("RegisterScalableTarget", "InternalServiceException", "not now")
    rollout = captured.start()

    with pytest.raises(ClientError):
        captured.prepare(rollout)

    assert captured.world.state.scaling
    assert scaled.targets()["v1-e1"][2] == RESUMED


def test_preparing_twice_remembers_what_was_there_the_first_time(
    captured: Captured, scaled: Scaled
) -> None:
    scaled.given("v1-e1")
    rollout = captured.start()
    captured.prepare(rollout)

    captured.prepare(rollout)

    owed = captured.world.state.scaling
    assert owed
    assert owed.before.suspended == Suspended()
    assert captured.world.history().count("ScalingSuspended") == 1


def test_an_endpoint_that_does_not_scale_costs_one_question(
    captured: Captured, scaled: Scaled, wire: Wire
) -> None:
    captured.prepare(captured.start())

    asked = [name for name, _ in wire.asked if "Scal" in name or name == "GetMetricData"]
    assert asked == ["DescribeScalableTargets", "GetMetricData"], "that one is for the forecast"
    assert captured.world.state.scaling is None


def test_both_variants_are_sized_for_the_busiest_minute_of_the_day(
    captured: Captured, scaled: Scaled
) -> None:
    scaled.given("v1-e1")
    given_traffic(captured.world, "v1-e1", 600, instances=5, hours_ago=3)
    given_traffic(captured.world, "v1-e1", 900, instances=7, hours_ago=30)

    captured.prepare(captured.start())

    assert captured.variants("churn-v1-v2-e2-both") == {
        "v1-e1": ("churn-v1-e1", 100.0, 5),
        "v2-e2": ("churn-v2-e2", 0.0, 5),
    }


def test_a_step_scaling_policy_is_refused_by_name_and_nothing_is_suspended(
    captured: Captured, scaled: Scaled
) -> None:
    scaled.given("v1-e1")
    scaled.client.put_scaling_policy(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/v1-e1",
        ScalableDimension=DIMENSION,
        PolicyName="by-hand",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity"},
    )

    turned_back = captured.prepare(captured.start())

    assert turned_back.action is Action.ROLL_BACK
    assert turned_back.reason.startswith("SCALING_UNSUPPORTED: policy by-hand")
    assert scaled.targets() == {"v1-e1": (1, 8, RESUMED)}


def test_a_rollback_lets_go_of_the_variant_that_its_update_drops(
    captured: Captured, scaled: Scaled
) -> None:
    scaled.given("v1-e1")

    assert captured.prepare(captured.start(Kind.ROLL_BACK)).action is Action.UPDATE

    assert scaled.targets() == {}
    assert captured.world.state.scaling


@pytest.mark.parametrize(
    "refused", ["DescribeScalableTargets", "GetMetricData", "DeregisterScalableTarget"]
)
def test_a_rollback_does_not_wait_for_application_auto_scaling(
    captured: Captured, scaled: Scaled, wire: Wire, refused: str
) -> None:
    scaled.given("v1-e1")
    wire.refuse(refused, "AccessDeniedException", "no")

    assert captured.prepare(captured.start(Kind.ROLL_BACK)).action is Action.UPDATE


# Afterwards.


def test_what_is_promoted_gets_the_policies_and_the_schedule(
    serving: World, scaled: Scaled
) -> None:
    scaled.given("v3-e3")
    rollout = a_rollout(position=1, action=Action.PROMOTE)
    serving.given(a_state(rollout, scaling=Suspension(before=berlin())))

    settle(serving, rollout)

    assert scaled.targets() == {"v4-e5": (1, 8, SUSPENDED)}
    policies, actions = scaled.belongings("v4-e5")
    assert policies == ["load"]
    assert actions == [("morning", "cron(0 8 * * ? *)", {"MinCapacity": 4})]
    assert serving.state.scaling, "still owed: it is restored when the rollout is over"


def test_a_promotion_stands_when_autoscaling_cannot_be_moved(
    serving: World, scaled: Scaled, wire: Wire
) -> None:
    rollout = a_rollout(position=1, action=Action.PROMOTE)
    serving.given(a_state(rollout, scaling=Suspension(before=berlin())))
    wire.refuse("RegisterScalableTarget", "InternalServiceException", "not now")

    assert settle(serving, rollout).promoted

    assert serving.state.scaling
    assert serving.state.scaling.placed == (CANARY.variant,)


def test_an_aborted_canary_leaves_the_scalable_target_alone(
    serving: World, scaled: Scaled, wire: Wire
) -> None:
    scaled.given("v3-e3")
    rollout = a_rollout(position=0, action=Action.ROLL_BACK, reason="alarm errors")
    serving.given(a_state(rollout, scaling=Suspension(before=berlin())))
    done = len(wire.calls(*CHANGES))

    settle(serving, rollout)

    assert len(wire.calls(*CHANGES)) == done


def test_what_was_promoted_and_taken_back_gives_autoscaling_back(
    serving: World, scaled: Scaled
) -> None:
    scaled.given("v4-e5")
    rollout = a_rollout(position=1, promoted=True, action=Action.ROLL_BACK, reason="alarm errors")
    moved = Suspension(before=berlin(), placed=(CANARY.variant,))
    serving.given(a_state(rollout, live=CANARY, scaling=moved))

    settle(serving, rollout)

    assert scaled.targets() == {"v3-e3": (1, 8, SUSPENDED)}
    assert scaled.belongings("v3-e3")[0] == ["load"]


def given_traffic(
    world: World, variant: str, requests: int, *, instances: int, hours_ago: int
) -> None:
    """The variant answered that many requests in a minute, on so many instances."""
    at = AT - timedelta(hours=hours_ago)
    world.given_requests(variant, requests, at=at)
    world.aws("cloudwatch").put_metric_data(
        Namespace="AWS/SageMaker",
        MetricData=[
            {
                "MetricName": "InvocationsPerInstance",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": "churn"},
                    {"Name": "VariantName", "Value": variant},
                ],
                "Timestamp": at,
                "Value": requests / instances,
            }
        ],
    )
