"""What a look finds while the machine waits for what is provisioned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.rollout import Action, Kind, Phase, Rollout, Trial
from sluice.domain.watching import GRACE_SECONDS, EndpointView
from tests.builders import CANARY, a_guarded, a_rollout, a_sight, an_endpoint
from tests.unit.looks import ALONE, DARK, NO_DATA, OK, PROVISIONING, action, looked

if TYPE_CHECKING:
    from sluice.domain.arming import AlarmState

# Provisioning.


@pytest.mark.parametrize(
    ("rollout", "endpoint", "waited", "action_"),
    [
        pytest.param(PROVISIONING, DARK, 0, Action.SHIFT, id="as intended: the first step"),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE), ALONE, 0, Action.PROMOTE, id="a first deployment is up"
        ),
        pytest.param(a_rollout(Kind.ROLL_BACK), ALONE, 0, Action.PROMOTE, id="a rollback is up"),
        pytest.param(
            PROVISIONING,
            an_endpoint("Updating", config="old", v3_e3=1),
            9_000,
            None,
            id="still updating, however long",
        ),
        pytest.param(
            PROVISIONING,
            an_endpoint(config="old", v3_e3=1),
            GRACE_SECONDS - 1,
            None,
            id="the update may not show yet",
        ),
        pytest.param(
            PROVISIONING,
            an_endpoint(config="old", v3_e3=1),
            GRACE_SECONDS,
            Action.ROLL_BACK,
            id="in service, but on the old configuration: SageMaker rolled it back",
        ),
        pytest.param(
            PROVISIONING,
            an_endpoint(v3_e3=90, v4_e5=10),
            GRACE_SECONDS,
            Action.ROLL_BACK,
            id="the canary has traffic that nobody gave it",
        ),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE),
            an_endpoint("Failed", config=CANARY.endpoint_config),
            GRACE_SECONDS,
            Action.ROLL_BACK,
            id="it failed",
        ),
        pytest.param(
            a_rollout(Kind.ALL_AT_ONCE), None, GRACE_SECONDS, Action.ROLL_BACK, id="never created"
        ),
        pytest.param(
            PROVISIONING,
            an_endpoint("UpdateRollbackFailed", v3_e3=1, v4_e5=1),
            GRACE_SECONDS,
            Action.ROLL_BACK,
            id="a mixed fleet",
        ),
    ],
)
def test_provisioning(
    rollout: Rollout, endpoint: EndpointView | None, waited: float, action_: Action | None
) -> None:
    found = looked(rollout, Phase.PROVISIONING, a_sight(endpoint), waited)

    assert action(found) is action_
    assert not (found and found.blames), "whoever fails to come up is not blamed for its answers"


@pytest.mark.parametrize("alarm", [NO_DATA, None])
def test_a_canary_gets_no_weight_before_its_alarms_are_ok(alarm: AlarmState | None) -> None:
    assert looked(PROVISIONING, Phase.PROVISIONING, a_sight(DARK, alarm=alarm), 600) is None


def test_what_is_provisioned_for_all_traffic_at_once_has_it_already() -> None:
    sight = a_sight(ALONE, alarm=NO_DATA)

    assert action(looked(a_rollout(Kind.ALL_AT_ONCE), Phase.PROVISIONING, sight)) is Action.PROMOTE


@pytest.mark.parametrize("kind", list(Kind))
def test_what_has_a_smoke_test_answers_it_before_anything_else(kind: Kind) -> None:
    rollout = a_rollout(kind, trial=Trial(), position=-1)
    endpoint = DARK if kind is Kind.CANARY else ALONE

    assert action(looked(rollout, Phase.PROVISIONING, a_sight(endpoint))) is Action.SMOKE_TEST


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("waited", "goes_on"), [(239, False), (240, True)])
def test_alarms_forget_the_smoke_test_before_users_come(
    kind: Kind, waited: float, goes_on: bool
) -> None:
    trial = Trial(tries=2, passed=True, quiet_seconds=240)
    rollout = a_rollout(kind, trial=trial, position=-1)
    endpoint = DARK if kind is Kind.CANARY else ALONE

    found = looked(rollout, Phase.PROVISIONING, a_sight(endpoint), waited)

    onward = Action.SHIFT if kind is Kind.CANARY else Action.PROMOTE
    assert action(found) is (onward if goes_on else None)


def test_a_rollback_keeps_saying_what_it_was_started_for() -> None:
    rollout = a_rollout(Kind.ROLL_BACK, reason="rejected by ana")

    found = looked(rollout, Phase.PROVISIONING, a_sight(ALONE))

    assert found
    assert (found.action, found.reason) == (Action.PROMOTE, "rejected by ana")


def test_a_failed_provisioning_says_what_sagemaker_says() -> None:
    endpoint = EndpointView("Failed", "old", {}, failure="no capacity for ml.p4d")

    found = looked(PROVISIONING, Phase.PROVISIONING, a_sight(endpoint), GRACE_SECONDS)

    assert found
    assert found.reason == "provisioning failed: no capacity for ml.p4d"


UPDATED = an_endpoint(config=CANARY.endpoint_config, serverless=0)


@pytest.mark.parametrize("alarm", [OK, NO_DATA, None])
def test_a_serverless_endpoint_bakes_as_soon_as_it_serves_the_release(
    alarm: AlarmState | None,
) -> None:
    found = looked(a_guarded(), Phase.PROVISIONING, a_sight(UPDATED, alarm=alarm))

    assert found
    assert (found.action, found.weight) == (Action.SHIFT, 100)


@pytest.mark.parametrize(
    ("endpoint", "waited", "action_"),
    [
        pytest.param(
            an_endpoint("Updating", config="churn-v3-e3", serverless=1), 999, None, id="on its way"
        ),
        pytest.param(
            an_endpoint(config="churn-v3-e3", serverless=1),
            GRACE_SECONDS,
            Action.ROLL_BACK,
            id="InService, but on the old configuration: the update failed",
        ),
        pytest.param(
            EndpointView(
                "InService", CANARY.endpoint_config, UPDATED.variants, pending="something-else"
            ),
            0,
            None,
            id="InService on ours, but another deployment is pending",
        ),
    ],
)
def test_an_update_has_succeeded_when_nothing_but_the_release_serves(
    endpoint: EndpointView, waited: float, action_: Action | None
) -> None:
    assert action(looked(a_guarded(), Phase.PROVISIONING, a_sight(endpoint), waited)) is action_
