"""What a look at a rollout in flight finds, by what the machine waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.arming import AlarmState
from sluice.domain.judging import Finding
from sluice.domain.rollout import Action, Kind, Phase, Rollout, Trial, Verdict
from sluice.domain.sight import Sight
from sluice.domain.watching import (
    COUNTED_AFTER_SECONDS,
    GRACE_SECONDS,
    EndpointView,
    VariantView,
    intended,
    look,
)
from tests.builders import (
    ALARM,
    AT,
    CANARY,
    STEPS,
    a_guarded,
    a_rollout,
    a_sight,
    a_signal,
    a_state,
    after,
    an_endpoint,
    an_evidence,
)

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

OK, FIRING, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
DARK = an_endpoint(v3_e3=100, v4_e5=0)
AT_TEN = an_endpoint(v3_e3=90, v4_e5=10)
AT_ALL = an_endpoint(v3_e3=0, v4_e5=100)
ALONE = an_endpoint(config=CANARY.endpoint_config, v4_e5=1)
PROVISIONING = a_rollout()
BAKING = a_rollout(position=0)
LAST = a_rollout(position=1)
STANDING_BY = a_rollout(position=1, promoted=True)
MIN, MAX = STEPS[0].min_seconds, STEPS[0].max_seconds


def parked(rollout: Rollout, phase: Phase, **changes: object) -> TargetState:
    return a_state(rollout, phase=phase, token="t-1", parked_at=AT, **changes)


def looked(
    rollout: Rollout, phase: Phase, sight: Sight, waited: float = 0, **changes: object
) -> Rollout | None:
    return look(parked(rollout, phase, **changes), sight, now=after(waited))


def action(found: Rollout | None) -> Action | None:
    return found.action if found else None


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


# Baking.

PASSED, FAILED, UNDECIDED = Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("rollout", "sight", "waited", "action_", "verdict"),
    [
        pytest.param(BAKING, a_sight(AT_TEN), MAX * 9, None, None, id="no verdict yet"),
        pytest.param(
            BAKING, a_sight(AT_TEN, verdict=PASSED), 0, Action.SHIFT, PASSED, id="the step passed"
        ),
        pytest.param(
            LAST,
            a_sight(AT_ALL, verdict=PASSED),
            0,
            Action.PROMOTE,
            PASSED,
            id="the last step passed",
        ),
        pytest.param(
            BAKING, a_sight(AT_TEN, verdict=FAILED), 0, Action.ROLL_BACK, FAILED, id="worse"
        ),
        pytest.param(
            BAKING, a_sight(AT_TEN, verdict=UNDECIDED), 0, Action.HOLD, UNDECIDED, id="undecided"
        ),
        pytest.param(
            BAKING,
            a_sight(AT_TEN, alarm=FIRING, verdict=PASSED),
            0,
            Action.ROLL_BACK,
            FAILED,
            id="an alarm ends the bake at once",
        ),
        pytest.param(
            BAKING,
            a_sight(AT_TEN, alarm=NO_DATA, verdict=PASSED),
            MAX - 1,
            None,
            None,
            id="an alarm without data",
        ),
        pytest.param(
            BAKING,
            a_sight(AT_TEN, alarm=None, verdict=PASSED),
            MAX,
            Action.HOLD,
            UNDECIDED,
            id="an alarm that cannot be read",
        ),
        pytest.param(
            BAKING,
            a_sight(AT_TEN, alarm=None, verdict=FAILED),
            0,
            Action.ROLL_BACK,
            FAILED,
            id="worse, whatever an alarm does not say",
        ),
        pytest.param(
            BAKING,
            a_sight(DARK, verdict=PASSED),
            MAX,
            Action.HOLD,
            UNDECIDED,
            id="weights that somebody else set",
        ),
        pytest.param(
            BAKING,
            a_sight(an_endpoint("Updating", v3_e3=90, v4_e5=10), verdict=PASSED),
            MIN,
            None,
            None,
            id="the weight is not in effect yet",
        ),
    ],
)
def test_baking(
    rollout: Rollout,
    sight: Sight,
    waited: float,
    action_: Action | None,
    verdict: Verdict | None,
) -> None:
    found = looked(rollout, Phase.BAKING, sight, waited)

    assert (action(found), found and found.verdict) == (action_, verdict)
    assert bool(found and found.blames) is (verdict is Verdict.FAILED)


@pytest.mark.parametrize(
    ("sight", "action_"),
    [
        pytest.param(
            a_sight(AT_TEN, verdict=UNDECIDED), Action.SHIFT, id="undecided: as the plan says"
        ),
        pytest.param(
            a_sight(AT_TEN, alarm=NO_DATA, verdict=UNDECIDED),
            Action.HOLD,
            id="an alarm without data",
        ),
        pytest.param(a_sight(AT_TEN, alarm=None), Action.HOLD, id="an alarm that cannot be read"),
        pytest.param(a_sight(DARK), Action.HOLD, id="an endpoint otherwise than intended"),
    ],
)
def test_even_a_plan_that_promotes_in_doubt_adds_no_weight_blindly(
    sight: Sight, action_: Action
) -> None:
    rollout = BAKING.model_copy(update={"on_inconclusive": Action.PROMOTE})

    assert action(looked(rollout, Phase.BAKING, sight, MAX)) is action_


@pytest.mark.parametrize(
    ("sight", "action_"),
    [
        pytest.param(a_sight(AT_TEN), None, id="no verdict"),
        pytest.param(a_sight(AT_TEN, verdict=UNDECIDED), None, id="still undecided"),
        pytest.param(a_sight(AT_TEN, verdict=PASSED), Action.SHIFT, id="it passed after all"),
        pytest.param(a_sight(AT_TEN, verdict=FAILED), Action.ROLL_BACK, id="it failed after all"),
        pytest.param(a_sight(AT_TEN, alarm=FIRING), Action.ROLL_BACK, id="an alarm"),
    ],
)
def test_a_held_canary(sight: Sight, action_: Action | None) -> None:
    assert action(looked(BAKING, Phase.HELD, sight, MAX * 9)) is action_


def test_the_reason_says_at_which_weight() -> None:
    passed = looked(BAKING, Phase.BAKING, a_sight(AT_TEN, verdict=PASSED))
    failed = looked(BAKING, Phase.BAKING, a_sight(AT_TEN, alarm=FIRING))

    assert passed
    assert passed.reason == "as the judge says while v4-e5 had 10 %"
    assert failed
    assert failed.reason == f"alarm {ALARM} while v4-e5 had 10 %"


# Standing by and settling.

LATE = 3600 + COUNTED_AFTER_SECONDS


def test_what_does_worse_than_is_allowed_while_the_old_version_stands_by_is_taken_back() -> None:
    finding = Finding(FAILED, "20 % bad", 100, an_evidence())
    sight = Sight(AT_ALL, {ALARM: OK}, finding)

    found = looked(STANDING_BY, Phase.STANDING_BY, sight)

    assert found
    assert (found.action, found.blames) == (Action.ROLL_BACK, True)
    assert found.reason == "20 % bad while standing by"
    assert found.evidence == an_evidence().name


@pytest.mark.parametrize(
    ("sight", "waited", "action_", "proven"),
    [
        pytest.param(a_sight(AT_ALL), 3599, None, None, id="not over"),
        pytest.param(a_sight(AT_ALL), 3600, Action.SETTLE, True, id="over, served well"),
        pytest.param(
            a_sight(AT_ALL, requests=0), 3600, None, None, id="over, its last minutes not counted"
        ),
        pytest.param(
            a_sight(AT_ALL, requests=0), LATE, Action.SETTLE, False, id="over, without data"
        ),
        pytest.param(
            a_sight(AT_ALL, verdict=PASSED), 0, None, None, id="within its rate, but not over"
        ),
        pytest.param(
            a_sight(AT_ALL, alarm=NO_DATA), 3600, Action.SETTLE, False, id="over, an alarm unsure"
        ),
        pytest.param(a_sight(DARK), 3600, Action.SETTLE, False, id="over, weights set by others"),
        pytest.param(
            a_sight(AT_ALL, alarm=FIRING), 0, Action.ROLL_BACK, False, id="an alarm at any time"
        ),
    ],
)
def test_standing_by(
    sight: Sight, waited: float, action_: Action | None, proven: bool | None
) -> None:
    found = looked(STANDING_BY, Phase.STANDING_BY, sight, waited)

    assert (action(found), found and found.proven) == (action_, proven)


@pytest.mark.parametrize(
    ("verdict", "alarm", "proven"),
    [
        pytest.param(Verdict.PASSED, OK, True, id="its bake had data, and no alarm since"),
        pytest.param(Verdict.INCONCLUSIVE, OK, False, id="promoted in doubt, and no data since"),
        pytest.param(Verdict.PASSED, NO_DATA, False, id="an alarm that is not OK"),
        pytest.param(Verdict.PASSED, None, False, id="an alarm that cannot be read"),
    ],
)
@pytest.mark.parametrize("standby", [0, 3600])
def test_a_bake_with_data_and_no_alarm_earns_last_good_however_short_the_stand_by(
    verdict: Verdict, alarm: AlarmState | None, proven: bool, standby: int
) -> None:
    rollout = STANDING_BY.model_copy(update={"verdict": verdict, "standby_seconds": standby})
    sight = a_sight(AT_ALL, alarm=alarm, requests=0)

    found = looked(rollout, Phase.STANDING_BY, sight, LATE)

    assert found
    assert (found.action, found.proven) == (Action.SETTLE, proven)


@pytest.mark.parametrize(
    ("endpoint", "action_"),
    [
        pytest.param(an_endpoint("Updating", v3_e3=0, v4_e5=100), None, id="the variant goes"),
        pytest.param(ALONE, Action.RELEASE, id="it is gone"),
        pytest.param(
            an_endpoint("Failed", v4_e5=100), Action.RELEASE, id="it failed: the outcome stands"
        ),
        pytest.param(None, Action.RELEASE, id="no endpoint"),
    ],
)
def test_settling(endpoint: EndpointView | None, action_: Action | None) -> None:
    assert action(looked(STANDING_BY, Phase.SETTLING, a_sight(endpoint))) is action_


# Signals.


@pytest.mark.parametrize("phase", [Phase.PROVISIONING, Phase.BAKING, Phase.HELD, Phase.STANDING_BY])
def test_a_signal_whose_wake_up_was_lost_is_sent_again(phase: Phase) -> None:
    found = looked(BAKING, phase, a_sight(AT_TEN), 0, signal=a_signal())

    assert found
    assert (found.action, found.blames) == (Action.ROLL_BACK, True)
    assert found.reason == a_signal().reason


def test_a_signal_does_not_disturb_settling() -> None:
    sight = a_sight(an_endpoint("Updating", v4_e5=100))

    assert looked(STANDING_BY, Phase.SETTLING, sight, signal=a_signal()) is None


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(a_state(), id="nobody holds the target"),
        pytest.param(a_state(BAKING, phase=Phase.BAKING), id="nobody is parked"),
        pytest.param(parked(BAKING, Phase.STARTING), id="a stale token of the phase before"),
    ],
)
def test_nobody_is_woken_who_does_not_wait(state: TargetState) -> None:
    assert look(state, a_sight(AT_TEN, alarm=FIRING), now=after(MAX)) is None


# What an endpoint shows.


@pytest.mark.parametrize(
    ("rollout", "endpoint", "as_meant"),
    [
        pytest.param(BAKING, AT_TEN, True, id="the step's weight"),
        pytest.param(BAKING, an_endpoint(v3_e3=9, v4_e5=1), True, id="weights are ratios"),
        pytest.param(BAKING, an_endpoint(v3_e3=89, v4_e5=11), False, id="one percent off"),
        pytest.param(BAKING, an_endpoint(v3_e3=1), False, id="no canary"),
        pytest.param(BAKING, an_endpoint(v3_e3=0, v4_e5=0), False, id="no weight anywhere"),
        pytest.param(
            BAKING, an_endpoint(config="x", v3_e3=90, v4_e5=10), False, id="another configuration"
        ),
        pytest.param(
            BAKING, an_endpoint("Updating", v3_e3=90, v4_e5=10), False, id="not in service"
        ),
        pytest.param(
            BAKING, an_endpoint("SystemUpdating", v3_e3=90, v4_e5=10), False, id="AWS at work"
        ),
        pytest.param(a_rollout(Kind.ROLL_BACK), ALONE, True, id="one variant alone"),
        pytest.param(BAKING, None, False, id="no endpoint"),
    ],
)
def test_an_endpoint_is_as_intended(
    rollout: Rollout, endpoint: EndpointView | None, as_meant: bool
) -> None:
    assert intended(rollout, endpoint) is as_meant


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        ("InService", True),
        ("Failed", True),
        ("UpdateRollbackFailed", True),
        ("OutOfService", True),
        ("Creating", False),
        ("Updating", False),
        ("SystemUpdating", False),
        ("RollingBack", False),
        ("Deleting", False),
    ],
)
def test_every_status_is_known_to_stay_or_to_pass(status: str, settled: bool) -> None:
    assert an_endpoint(status).settled is settled


def test_only_weights_count_for_who_serves() -> None:
    assert AT_ALL.serves_only("v4-e5")
    assert not AT_TEN.serves_only("v4-e5")
    assert not an_endpoint(v3_e3=0, v4_e5=0).serves_only("v4-e5")


weights = st.sampled_from([0.0, 10.0, 50.0, 90.0, 100.0])
endpoints = st.one_of(
    st.none(),
    st.builds(
        EndpointView,
        status=st.sampled_from(["InService", "Updating", "Failed", "UpdateRollbackFailed"]),
        config=st.sampled_from(["churn-v3-v4-e5-both", "old"]),
        variants=st.dictionaries(
            st.sampled_from(["v3-e3", "v4-e5"]), st.builds(VariantView, weights, st.just(1))
        ),
    ),
)
sights = st.builds(
    Sight,
    endpoint=endpoints,
    alarms=st.dictionaries(st.just(ALARM), st.sampled_from(list(AlarmState))),
    finding=st.builds(
        Finding, st.sampled_from([None, *Verdict]), st.just(""), st.sampled_from([0, 1, 1000])
    ),
)
rollouts = st.builds(
    a_rollout,
    position=st.sampled_from([0, 1]),
    on_inconclusive=st.sampled_from([Action.HOLD, Action.PROMOTE, Action.ROLL_BACK]),
)


@given(
    rollouts,
    st.sampled_from(list(Phase)),
    sights,
    st.sampled_from([0, 60, 300, 600, 1800, 3600, 90_000]),
    st.booleans(),
)
def test_weight_is_added_only_while_every_alarm_is_ok_and_the_endpoint_as_intended(
    rollout: Rollout, phase: Phase, sight: Sight, waited: int, signalled: bool
) -> None:
    if phase is Phase.PROVISIONING:
        rollout = rollout.model_copy(update={"position": -1})
    signal = {"signal": a_signal()} if signalled else {}

    found = looked(rollout, phase, sight, waited, **signal)

    if action(found) in {Action.SHIFT, Action.PROMOTE}:
        assert dict(sight.alarms) == {ALARM: OK}
        assert intended(rollout, sight.endpoint)
        assert not signalled


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.HELD, Phase.STANDING_BY])
@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param(None, id="deleted by hand"),
        pytest.param(an_endpoint("Failed", v3_e3=90, v4_e5=10), id="Failed"),
        pytest.param(an_endpoint("OutOfService", v3_e3=90, v4_e5=10), id="OutOfService"),
        pytest.param(an_endpoint("UpdateRollbackFailed", v3_e3=90, v4_e5=10), id="a mix"),
    ],
)
def test_nothing_is_waited_for_on_an_endpoint_that_is_lost(
    phase: Phase, endpoint: EndpointView | None
) -> None:
    state = a_state(a_rollout(position=0), token="t-1", parked_at=AT, phase=phase)

    answer = look(state, a_sight(endpoint), now=AT)

    assert answer
    assert (answer.action, answer.blames) == (Action.ROLL_BACK, False)
    assert answer.reason.startswith("the endpoint ")
