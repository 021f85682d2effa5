"""The quota of instances before a rollout begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Action, Kind
from tests.builders import a_quota
from tests.integration.scaled import RESUMED, Scaled

if TYPE_CHECKING:
    from tests.integration.captured import Captured
    from tests.integration.rollouts import Wire, World


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
