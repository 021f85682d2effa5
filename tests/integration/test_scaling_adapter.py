"""Scalable targets as the adapter reads, places and lets go of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.adapters.autoscaling import Autoscaling, NotScalableError
from sluice.domain.scalable import Suspended
from tests.builders import AT, TRACKING, a_scalable_target
from tests.integration.scaled import Scaled, berlin

if TYPE_CHECKING:
    from tests.integration.rollouts import Wire


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

    assert len(wire.calls("DeregisterScalableTarget")) == 1


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
