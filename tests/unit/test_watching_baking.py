"""What a look finds while a release bakes, is held, or stands by the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sluice.domain.judging import Finding
from sluice.domain.rollout import Action, Phase, Rollout, Verdict
from sluice.domain.sight import Sight
from sluice.domain.watching import COUNTED_AFTER_SECONDS, EndpointView
from tests.builders import ALARM, a_sight, an_endpoint, an_evidence
from tests.unit.looks import (
    ALONE,
    AT_ALL,
    AT_TEN,
    BAKING,
    DARK,
    FIRING,
    LAST,
    MAX,
    MIN,
    NO_DATA,
    OK,
    STANDING_BY,
    action,
    looked,
)

if TYPE_CHECKING:
    from sluice.domain.arming import AlarmState

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


# What stable shows meanwhile.

THREE_STEPS = BAKING.model_copy(update={"steps": (BAKING.steps[0], *BAKING.steps)})
OF_STABLE = "sluice-churn-v3-e3-errors"


@pytest.mark.parametrize(
    ("rollout", "verdict", "of_stable", "served"),
    [
        pytest.param(BAKING, PASSED, OK, True, id="compared to the end"),
        pytest.param(THREE_STEPS, PASSED, OK, False, id="a step that may pass on time"),
        pytest.param(LAST, PASSED, OK, False, id="all traffic: nothing was compared"),
        pytest.param(BAKING, UNDECIDED, OK, False, id="undecided"),
        pytest.param(BAKING, FAILED, OK, False, id="a bad canary"),
        pytest.param(BAKING, PASSED, FIRING, False, id="stable's alarm fires"),
        pytest.param(BAKING, PASSED, None, False, id="stable's alarm cannot be read"),
    ],
)
def test_stable_is_seen_to_serve_well_beside_a_canary_that_passed_on_evidence(
    rollout: Rollout, verdict: Verdict, of_stable: AlarmState | None, *, served: bool
) -> None:
    assert rollout.stable
    stable = rollout.stable.model_copy(update={"alarms": (OF_STABLE,)})
    rollout = rollout.model_copy(update={"stable": stable})
    view = AT_ALL if rollout.position == LAST.position else AT_TEN
    alarms = {ALARM: OK} | ({OF_STABLE: of_stable} if of_stable else {})

    found = looked(rollout, Phase.BAKING, Sight(view, alarms, Finding(verdict, "said", 100)))

    assert found
    assert found.stable_served is served


def test_what_stable_was_seen_to_do_is_not_forgotten_at_all_traffic() -> None:
    rollout = LAST.model_copy(update={"stable_served": True})

    found = looked(rollout, Phase.BAKING, a_sight(AT_ALL, verdict=PASSED))

    assert found
    assert found.stable_served


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
