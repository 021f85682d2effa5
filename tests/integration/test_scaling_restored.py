"""Autoscaling is put back, whatever became of the rollout that suspended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.autoscaling import Autoscaling
from sluice.domain.rollout import Action, Kind, Rollout
from sluice.domain.scalable import Suspended, Suspension
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    a_rollout,
    a_scalable_target,
    a_state,
    after,
    an_event,
)
from tests.integration.scaled import DIMENSION, RESUMED, SUSPENDED, Scaled, berlin

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.captured import Captured
    from tests.integration.rollouts import Wire, World

TICK = an_event("events_scheduled")


@pytest.fixture
def serving(world: World) -> World:
    """Version 4 has all traffic beside version 3, whose autoscaling is suspended."""
    world.given_versions(1, 2, 3, 4)
    world.given_endpoint("churn-v3-v4-e5-both", v3_e3=0, v4_e5=100)
    return world


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


@pytest.mark.parametrize(
    ("begun", "left"),
    [
        pytest.param(a_rollout(), {"v3-e3": (1, 8, SUSPENDED)}, id="a canary"),
        pytest.param(a_rollout(Kind.ROLL_BACK), {}, id="a rollback, which drops the variant"),
    ],
)
def test_a_slow_restore_resumes_nothing_in_the_rollout_that_began_meanwhile(
    serving: World,
    scaled: Scaled,
    monkeypatch: pytest.MonkeyPatch,
    begun: Rollout,
    left: dict[str, Any],
) -> None:
    """Its last call is on its way when the next rollout suspends, or lets go."""
    from sluice.scaling import Scaling  # reads the environment when it is imported

    scaled.given("v3-e3")
    serving.given(a_state(scaling=Suspension(before=berlin())))
    resume = Autoscaling.suspend

    def overtaken(self: Autoscaling, *asked: Any) -> None:
        monkeypatch.setattr(Autoscaling, "suspend", resume)
        serving.given(a_state(begun, scaling=Suspension(before=berlin())))
        Scaling(serving.targets, self).suspend(begun, berlin(), now=AT)
        assert scaled.targets() == left
        resume(self, *asked)

    monkeypatch.setattr(Autoscaling, "suspend", overtaken)

    serving.call("reconcile_target", TICK)

    assert scaled.targets() == left
    assert serving.state.scaling, "it is restored when that rollout is over"


def test_what_ends_soon_is_taken_along_though_an_events_clock_is_an_hour_ahead(
    serving: World, scaled: Scaled
) -> None:
    morning = a_scalable_target().actions[0].model_copy(update={"ends": after(1800)})
    before = a_scalable_target(STABLE.variant, actions=(morning,))
    owed = Suspension(before=before, placed=("v4-e5",))
    serving.given(a_state(live=CANARY, live_since=AT, scaling=owed))

    serving.call("reconcile_target", {"target": "endpoint/churn", "at": after(3600).isoformat()})

    assert [name for name, *_ in scaled.belongings("v4-e5")[1]] == ["morning"]


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
