"""Autoscaling around a rollout: what is written down when, and how big variants are made."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from sluice.domain.errors import DisplacedError, SignalPendingError
from sluice.domain.rollout import Kind
from sluice.domain.scalable import (
    ScalableTarget,
    ScheduledAction,
    Suspended,
    Suspension,
    TrackingPolicy,
)
from sluice.domain.scaling import (
    at_peak,
    most_instances,
    move,
    nothing_scales,
    objection,
    restored,
    suspend,
)
from sluice.domain.target import TargetState
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    a_rollout,
    a_scalable_target,
    a_signal,
    a_state,
    an_endpoint,
)

BEFORE = a_scalable_target()
ROLLOUT = a_rollout()
ROLLBACK = a_rollout(Kind.ROLL_BACK)


# What is written down.


def test_what_autoscaling_was_is_written_down_before_it_is_suspended() -> None:
    change = suspend(a_state(ROLLOUT), ROLLOUT, BEFORE, now=AT)

    assert change.state.scaling == Suspension(before=BEFORE)
    (event,) = change.events
    assert event.event == "ScalingSuspended"
    assert "1 to 8 instances" in event.reason
    assert "load" in event.reason


def test_where_nothing_scales_nothing_is_written_down() -> None:
    change = suspend(a_state(ROLLOUT), ROLLOUT, None, now=AT)

    assert (change.state.scaling, change.events) == (None, ())


def test_a_suspension_that_is_still_owed_is_not_taken_for_what_was_there_before() -> None:
    owed = a_state(ROLLOUT, scaling=Suspension(before=BEFORE))
    ours = a_scalable_target(suspended=Suspended().during_rollout())

    change = suspend(owed, ROLLOUT, ours, now=AT)

    assert change.state.scaling == Suspension(before=BEFORE)
    assert change.events == (), "repeating it is not news"


def test_a_rollback_begins_to_move_at_once_because_its_update_drops_the_variant() -> None:
    change = suspend(a_state(ROLLBACK), ROLLBACK, BEFORE, now=AT)

    assert change.state.scaling
    assert change.state.scaling.placed == (CANARY.variant,)


def test_nobody_suspends_without_the_lease_or_against_a_signal() -> None:
    with pytest.raises(DisplacedError):
        suspend(a_state(epoch=6, holder="other"), ROLLOUT, BEFORE, now=AT)
    with pytest.raises(SignalPendingError):
        suspend(a_state(ROLLOUT, signal=a_signal()), ROLLOUT, BEFORE, now=AT)


# Where it goes.


def test_autoscaling_follows_what_was_promoted() -> None:
    change = move(a_state(ROLLOUT, live=CANARY, scaling=Suspension(before=BEFORE)), now=AT)

    assert change
    assert change.state.scaling == Suspension(before=BEFORE, placed=(CANARY.variant,))
    assert [event.event for event in change.events] == ["ScalingMoved"]


def test_a_move_that_is_repeated_is_made_again_but_told_once() -> None:
    moved = Suspension(before=BEFORE, placed=(CANARY.variant,))

    change = move(a_state(ROLLOUT, live=CANARY, scaling=moved), now=AT)

    assert change
    assert (change.state.scaling, change.events) == (moved, ())


def test_an_aborted_canary_leaves_autoscaling_where_it_is() -> None:
    assert move(a_state(ROLLOUT, scaling=Suspension(before=BEFORE)), now=AT) is None


def test_autoscaling_comes_back_from_what_was_promoted_and_taken_back() -> None:
    moved = Suspension(before=BEFORE, placed=(CANARY.variant,))

    change = move(a_state(ROLLOUT, live=STABLE, scaling=moved), now=AT)

    assert change
    assert change.state.scaling
    assert change.state.scaling.placed == (CANARY.variant, STABLE.variant)


@pytest.mark.parametrize("state", [None, a_state(ROLLOUT), a_state(live=None, scaling=None)])
def test_where_nothing_is_owed_nothing_moves(state: TargetState | None) -> None:
    assert move(state, now=AT) is None


# When it is over.


def test_what_is_restored_is_owed_no_longer() -> None:
    change = restored(a_state(scaling=Suspension(before=BEFORE)), now=AT)

    assert change
    assert change.state.scaling is None
    assert [event.event for event in change.events] == ["ScalingRestored"]


def test_a_rollout_that_has_begun_keeps_what_is_written_down() -> None:
    held = a_state(ROLLOUT, scaling=Suspension(before=BEFORE))

    assert restored(held, now=AT) is None


def test_what_cannot_be_put_back_is_remembered_in_full() -> None:
    change = restored(a_state(scaling=Suspension(before=BEFORE)), now=AT, lost="gone")

    assert change
    assert change.state.scaling is None
    (event,) = change.events
    assert (event.event, event.reason) == ("ScalingLost", f"{BEFORE}: gone")


def test_only_an_endpoint_or_variant_that_is_gone_makes_autoscaling_lost() -> None:
    assert nothing_scales(a_state(), None)
    assert nothing_scales(a_state(), an_endpoint(v9_e9=100))
    assert not nothing_scales(a_state(), an_endpoint(v3_e3=100))
    assert not nothing_scales(a_state(), an_endpoint("Updating", v3_e3=100))


def test_the_ledger_reads_back_what_it_wrote() -> None:
    state = a_state(scaling=Suspension(before=BEFORE, placed=("v4-e5",)))

    assert TargetState.model_validate_json(state.model_dump_json()) == state


# How it is suspended.


def test_scale_in_and_schedules_are_suspended_scale_out_stays_as_it_was() -> None:
    assert Suspended().during_rollout() == Suspended(scale_in=True, scheduled=True)
    out = Suspended(scale_out=True)
    assert out.during_rollout().scale_out


# What a moved policy watches.


def test_a_moved_policy_watches_the_variant_it_is_moved_to() -> None:
    dimensions = [
        {"Name": "EndpointName", "Value": "churn"},
        {"Name": "VariantName", "Value": "v3-e3"},
    ]
    metric = {"MetricName": "CPUUtilization", "Dimensions": dimensions}
    stat = {"Metric": metric, "Stat": "Average"}
    given = {
        "TargetValue": 50.0,
        "CustomizedMetricSpecification": {"Metrics": [{"Id": "m", "MetricStat": stat}]},
    }

    moved = TrackingPolicy(name="cpu", configuration=json.dumps(given)).watching("v4-e5")

    found = moved["CustomizedMetricSpecification"]["Metrics"][0]["MetricStat"]["Metric"]
    assert found["Dimensions"] == [
        {"Name": "EndpointName", "Value": "churn"},
        {"Name": "VariantName", "Value": "v4-e5"},
    ]
    assert moved["TargetValue"] == 50.0


def test_a_policy_whose_alarms_are_the_users_own_stops_a_canary_but_no_rollback() -> None:
    step = a_scalable_target(untracked=("by-hand",))

    assert objection(ROLLOUT, step).startswith("SCALING_UNSUPPORTED: policy by-hand of v3-e3")
    assert objection(ROLLBACK, step) == ""
    assert objection(ROLLOUT, BEFORE) == ""
    assert objection(ROLLOUT, None) == ""


# Schedules.


@pytest.mark.parametrize(
    ("action", "over"),
    [
        (ScheduledAction(name="a", schedule="cron(0 8 * * ? *)"), False),
        (ScheduledAction(name="a", schedule="rate(1 day)", ends=AT), True),
        (ScheduledAction(name="a", schedule="rate(1 day)", ends=AT + timedelta(hours=1)), False),
        (ScheduledAction(name="a", schedule="at(2026-05-02T23:00:00)"), True),
        (ScheduledAction(name="a", schedule="at(2026-05-03T09:00:00)"), False),
        (ScheduledAction(name="a", schedule="at(2026-05-04T09:00:00)"), False),
    ],
)
def test_an_action_is_over_when_it_is_past_in_every_time_zone(
    action: ScheduledAction, over: bool
) -> None:
    assert action.is_over(datetime(2026, 5, 3, 14, 0, tzinfo=UTC)) is over


# How big.


@pytest.mark.parametrize(
    ("minutes", "most"),
    [
        ([], 0),
        ([(0.0, 0.0)], 0),
        ([(600.0, 600.0), (900.0, 300.0), (500.0, 250.0)], 3),
        ([(1.0, 1 / 3)], 3),
        ([(100.0, 100 * (1 / 7))], 7),
        ([(200.0, 100 / 2 + 100 / 4)], 3),
    ],
    ids=["no traffic", "empty minutes", "busiest", "third", "noise", "changed within"],
)
def test_instances_are_invocations_over_invocations_per_instance(
    minutes: list[tuple[float, float]], most: int
) -> None:
    assert most_instances(minutes) == most


@pytest.mark.parametrize(
    ("live", "most", "count"),
    [(1, 5, 5), (6, 5, 6), (1, 0, 2), (1, 20, 8), (10, 20, 10)],
    ids=["peak", "never fewer than live", "minimum", "maximum", "live above the maximum"],
)
def test_a_variant_is_sized_for_its_peak_within_its_bounds(
    live: int, most: int, count: int
) -> None:
    view = an_endpoint(v3_e3=100)
    (variant,) = view.variants.values()
    grown = {"v3-e3": type(variant)(weight=100, instances=live)}
    found: ScalableTarget = a_scalable_target(min_capacity=2)

    sized = at_peak(type(view)(view.status, view.config, grown), found, most)

    assert sized.variants["v3-e3"].instances == count
    assert sized.variants["v3-e3"].weight == 100
