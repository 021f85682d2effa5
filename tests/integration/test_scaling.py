"""Autoscaling of an endpoint while releases come and go, and the quota before they do.

moto keeps scalable targets, policies and scheduled actions, and forgets neither when a target is
deregistered; it refuses nothing. What AWS forbids is shown on the local cloud.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sluice.adapters.autoscaling import Autoscaling, NotScalableError
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.domain.scalable import Suspended, Suspension
from sluice.events.tasks import dump_rollout
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    TRACKING,
    a_quota,
    a_rollout,
    a_scalable_target,
    a_state,
    an_event,
)
from tests.integration.test_prepare_rollout import Captured

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.inbox import Inbox
    from tests.integration.rollouts import Wire, World

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TICK = an_event("events_scheduled")
RESUMED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
SUSPENDED = {**RESUMED, "DynamicScalingInSuspended": True, "ScheduledScalingSuspended": True}
CHANGES = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy")


class Scaled:
    """What Application Auto Scaling has of the endpoint `churn`."""

    def __init__(self, world: World) -> None:
        self.client = world.aws("application-autoscaling")

    def given(self, variant: str, *, policy: str = "load") -> None:
        """The variant scales by its load, and by the clock."""
        on = self._named(variant)
        self.client.register_scalable_target(**on, MinCapacity=1, MaxCapacity=8)
        self.client.put_scaling_policy(
            **on,
            PolicyName=policy,
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
            ScheduledActionName="morning",
            Schedule="cron(0 8 * * ? *)",
            Timezone="Europe/Berlin",
            ScalableTargetAction={"MinCapacity": 4},
        )

    def targets(self) -> dict[str, Any]:
        """Bounds and suspensions, by variant."""
        found = self.client.describe_scalable_targets(ServiceNamespace="sagemaker")
        return {
            one["ResourceId"].rsplit("/", 1)[-1]: (
                one["MinCapacity"],
                one["MaxCapacity"],
                one.get("SuspendedState") or RESUMED,
            )
            for one in found["ScalableTargets"]
        }

    def belongings(self, variant: str) -> tuple[list[str], list[Any]]:
        """Names of the variant's policies, and its schedules."""
        on = self._named(variant)
        policies = self.client.describe_scaling_policies(**on)["ScalingPolicies"]
        actions = self.client.describe_scheduled_actions(**on)["ScheduledActions"]
        return [one["PolicyName"] for one in policies], [
            (one["ScheduledActionName"], one["Schedule"], one["ScalableTargetAction"])
            for one in actions
        ]

    def _named(self, variant: str) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/churn/variant/{variant}",
            "ScalableDimension": DIMENSION,
        }


@pytest.fixture
def scaled(world: World) -> Scaled:
    return Scaled(world)


@pytest.fixture
def captured(world: World, inbox: Inbox, wire: Wire) -> Captured:
    """Versions 1 and 2 captured, 1 serving; the quota allows a hundred instances."""
    wire.always("ListServiceQuotas", Quotas=[a_quota(100)])
    return Captured(world, inbox)


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


# Put back, whatever became of the rollout.


def test_reconcile_resumes_what_an_ended_rollout_left_suspended(
    serving: World, scaled: Scaled
) -> None:
    scaled.given("v3-e3")
    Autoscaling(scaled.client).suspend("churn", "v3-e3", Suspended().during_rollout())
    scaled.client.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/v3-e3",
        ScalableDimension=DIMENSION,
        MaxCapacity=12,
    )
    serving.given(a_state(scaling=Suspension(before=berlin())))

    serving.call("reconcile_target", TICK)

    assert scaled.targets() == {"v3-e3": (1, 12, RESUMED)}, "bounds changed meanwhile stay"
    assert serving.state.scaling is None
    assert "ScalingRestored" in serving.history()


def test_reconcile_alone_finishes_a_move_that_was_cut_short(serving: World, scaled: Scaled) -> None:
    scaled.given("v3-e3")
    serving.given(a_state(live=CANARY, scaling=Suspension(before=berlin(), placed=("v4-e5",))))

    serving.call("reconcile_target", TICK)

    assert scaled.targets() == {"v4-e5": (1, 8, RESUMED)}
    assert scaled.belongings("v4-e5")[0] == ["load"]
    assert serving.state.scaling is None


def test_two_that_restore_at_once_leave_nothing_suspended(
    serving: World, scaled: Scaled, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled.given("v3-e3")
    serving.given(a_state(live=CANARY, scaling=Suspension(before=berlin(), placed=("v4-e5",))))
    place = Autoscaling.place

    def overtaken(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(Autoscaling, "place", place)
        serving.call("reconcile_target", TICK)  # a rival, from beginning to end
        place(*args, **kwargs)

    monkeypatch.setattr(Autoscaling, "place", overtaken)

    serving.call("reconcile_target", TICK)

    assert scaled.targets() == {"v4-e5": (1, 8, RESUMED)}
    assert serving.history().count("ScalingRestored") == 1


def test_what_cannot_be_restored_now_is_restored_by_the_next_look(
    world: World, scaled: Scaled, wire: Wire
) -> None:
    world.given_endpoint("churn-v3-e3", v3_e3=100)
    scaled.given("v3-e3")
    world.given(a_state(scaling=Suspension(before=berlin())))
    wire.refuse("RegisterScalableTarget", "ValidationException", "missing permissions")

    world.call("reconcile_target", TICK)
    assert world.state.scaling

    world.call("reconcile_target", TICK)
    assert world.state.scaling is None


def test_what_people_deregistered_meanwhile_stays_so(serving: World) -> None:
    serving.given(a_state(scaling=Suspension(before=berlin())))

    serving.call("reconcile_target", TICK)

    assert serving.state.scaling is None
    (entry,) = (
        one for one in serving.targets.history("endpoint/churn") if one.event == "ScalingLost"
    )
    assert entry.reason.endswith("somebody deregistered it meanwhile")


def test_what_is_owed_keeps_no_rollout_from_beginning(
    captured: Captured, scaled: Scaled, wire: Wire
) -> None:
    rollout = captured.start()
    owed = Suspension(before=a_scalable_target("v1-e1"))
    captured.world.given(captured.world.state.model_copy(update={"scaling": owed}))

    assert captured.prepare(rollout).action is Action.UPDATE
    assert captured.world.state.scaling == owed
    assert wire.calls("RegisterScalableTarget") == []


def test_a_suspension_kept_by_the_user_is_kept_by_us(serving: World, scaled: Scaled) -> None:
    scaled.given("v3-e3")
    by_hand = Suspended(scale_in=True, scale_out=True)
    before = berlin().model_copy(update={"suspended": by_hand})
    serving.given(a_state(scaling=Suspension(before=before)))

    serving.call("reconcile_target", TICK)

    assert scaled.targets()["v3-e3"][2] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": True,
        "ScheduledScalingSuspended": False,
    }


def test_people_are_told_what_autoscaling_was_when_the_endpoint_is_gone(
    world: World, told: Callable[[], list[str]]
) -> None:
    world.given(a_state(scaling=Suspension(before=berlin())))

    world.call("reconcile_target", TICK)

    assert world.state.scaling is None
    assert "ScalingLost" in world.history()
    (message,) = (one for one in told() if "Autoscaling" in one)
    assert "there is no endpoint any more" in message
    assert "1 to 8 instances, policy load, scheduled action morning" in message


# The adapter.


def test_a_scalable_target_is_read_with_all_that_belongs_to_it(scaled: Scaled) -> None:
    scaled.given("v3-e3")

    found = Autoscaling(scaled.client).read("churn", "v3-e3")

    assert found == berlin()
    assert found.policies[0].configuration == TRACKING
    assert Autoscaling(scaled.client).read("churn", "v9-e9") is None


def test_what_is_let_go_twice_is_let_go_once(scaled: Scaled, wire: Wire) -> None:
    scaled.given("v3-e3")
    autoscaling = Autoscaling(scaled.client)

    autoscaling.deregister("churn", {"v3-e3", "v9-e9"})
    autoscaling.deregister("churn", {"v3-e3"})

    assert len(wire.calls("DeregisterScalableTarget")) == 1


def test_somebody_faster_is_no_error(scaled: Scaled, wire: Wire) -> None:
    scaled.given("v3-e3")
    wire.refuse("DeregisterScalableTarget", "ObjectNotFoundException")

    Autoscaling(scaled.client).deregister("churn", {"v3-e3"})


def test_a_target_not_yet_seen_everywhere_is_asked_again(scaled: Scaled, wire: Wire) -> None:
    wire.refuse("PutScalingPolicy", "ObjectNotFoundException", "no scalable target")

    Autoscaling(scaled.client).place(
        "churn", a_scalable_target(), on="v4-e5", suspended=Suspended(), now=AT
    )

    assert len(wire.calls("PutScalingPolicy")) == 2
    assert scaled.belongings("v4-e5")[0] == ["load"]


def test_an_action_that_is_over_stays_behind(scaled: Scaled, wire: Wire) -> None:
    past = a_scalable_target().actions[0].model_copy(update={"schedule": "at(2026-05-01T08:00:00)"})
    passing = past.model_copy(update={"name": "now", "schedule": "at(2026-05-03T13:59:00)"})
    wire.refuse("PutScheduledAction", "ValidationException", "in the past")

    Autoscaling(scaled.client).place(
        "churn",
        a_scalable_target(actions=(past, passing)),
        on="v4-e5",
        suspended=Suspended(),
        now=AT,
    )

    (asked,) = wire.calls("PutScheduledAction")
    assert asked["ScheduledActionName"] == "now", "refused for good reason, and no failure"


def test_a_variant_that_cannot_be_registered_is_named(scaled: Scaled, wire: Wire) -> None:
    wire.refuse("RegisterScalableTarget", "ValidationException", "no such variant")

    with pytest.raises(NotScalableError, match="v4-e5 of churn: no such variant"):
        Autoscaling(scaled.client).suspend("churn", "v4-e5", Suspended())


# The quota.


def test_a_rollout_that_needs_more_than_is_allowed_is_turned_back_with_the_numbers(
    captured: Captured, scaled: Scaled, wire: Wire
) -> None:
    scaled.given("v1-e1")
    given_other(captured.world, instances=4)
    wire.always("ListServiceQuotas", Quotas=[a_quota(9, "ml.m5.xlarge"), a_quota(6)])

    turned_back = captured.prepare(captured.start())

    assert turned_back.action is Action.ROLL_BACK
    assert turned_back.reason.startswith(
        "QUOTA: ml.m5.large: 3 needed at the peak, 6 allowed, 4 used by others"
    )
    assert captured.world.state.scaling is None
    assert scaled.targets() == {"v1-e1": (1, 8, RESUMED)}


def test_a_rollout_that_just_fits_begins(captured: Captured, wire: Wire) -> None:
    given_other(captured.world, instances=4)
    wire.always("ListServiceQuotas", Quotas=[a_quota(7)])

    assert captured.prepare(captured.start()).action is Action.UPDATE


def test_a_quota_that_was_raised_is_seen_at_once(captured: Captured, wire: Wire) -> None:
    rollout = captured.start()
    wire.always("ListServiceQuotas", Quotas=[a_quota(2)])
    assert captured.prepare(rollout).action is Action.ROLL_BACK

    wire.always("ListServiceQuotas", Quotas=[a_quota(3)])
    assert captured.prepare(rollout).action is Action.UPDATE


@pytest.mark.parametrize("refusal", ["AccessDeniedException", "NoSuchResourceException"])
def test_a_quota_that_cannot_be_read_keeps_nobody_waiting(
    captured: Captured, wire: Wire, refusal: str
) -> None:
    wire.refuse("ListServiceQuotas", refusal, "no")

    assert captured.prepare(captured.start()).action is Action.UPDATE

    (entry,) = (
        one
        for one in captured.world.targets.history("endpoint/churn")
        if one.event == "QuotaUnread"
    )
    assert "ml.m5.large for endpoint usage" in entry.reason
    assert refusal in entry.reason


def test_a_quota_that_is_not_listed_keeps_nobody_waiting(captured: Captured, wire: Wire) -> None:
    wire.always("ListServiceQuotas", Quotas=[])

    assert captured.prepare(captured.start()).action is Action.UPDATE
    assert "QuotaUnread" in captured.world.history()


def test_endpoints_that_cannot_be_counted_keep_nobody_waiting(
    captured: Captured, wire: Wire
) -> None:
    wire.refuse("ListEndpoints", "ThrottlingException", "Rate exceeded")
    wire.refuse("ListEndpoints", "AccessDeniedException", "no")

    assert captured.prepare(captured.start()).action is Action.UPDATE
    assert "QuotaUnread" in captured.world.history()


def test_a_rollback_is_not_refused_by_an_estimate(captured: Captured, wire: Wire) -> None:
    wire.always("ListServiceQuotas", Quotas=[a_quota(0)])

    assert captured.prepare(captured.start(Kind.ROLL_BACK)).action is Action.UPDATE
    assert wire.calls("ListServiceQuotas") == []


def berlin() -> Any:
    """What `Scaled.given` makes of `v3-e3`, as it is read."""
    (morning,) = a_scalable_target().actions
    action = morning.model_copy(update={"timezone": "Europe/Berlin"})
    return a_scalable_target(STABLE.variant, actions=(action,))


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


def given_other(world: World, *, instances: int) -> None:
    """Another endpoint uses instances of the same type."""
    sagemaker = world.aws("sagemaker")
    variant = {
        "VariantName": "v1-e1",
        "ModelName": "churn-v1-e1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": instances,
        "InitialVariantWeight": 1.0,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="other", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="other", EndpointConfigName="other")
