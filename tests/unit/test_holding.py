"""A rollout that is held: who is told what, and what a person's word does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.domain.arming import AlarmState
from sluice.domain.holding import Saying, WrongPhaseError, hold, notice, say
from sluice.domain.rollout import Action, Phase, Verdict
from sluice.domain.watching import look
from tests.builders import AT, TARGET, a_rollout, a_sight, a_state, after, an_endpoint

if TYPE_CHECKING:
    from sluice.domain.target import TargetState

AT_TEN = an_endpoint(v3_e3=90, v4_e5=10)
HELD = a_rollout(position=0, reason="undecided; about 1,436 more canary requests are needed")


def parked(phase: Phase = Phase.HELD, **changes: Any) -> TargetState:
    return a_state(HELD, phase=phase, token="t-1", parked_at=AT, **changes)


def said(saying: Saying, state: TargetState | None = None) -> TargetState:
    change = say(state or parked(), saying, by="arn:ana", why="it is Sunday", now=after(60))
    return change.state


def test_the_notice_says_why_and_everything_that_resolves_it() -> None:
    text = notice(HELD)

    for part in (
        "churn-v4 is held on churn with 10 % of the traffic",
        "about 1,436 more canary requests are needed",
        "after 24 hours",
        f"`sluice promote {TARGET}`",
        f"`sluice abort {TARGET}`",
    ):
        assert part in text


def test_a_hold_is_remembered_once_with_its_evidence() -> None:
    rollout = HELD.model_copy(update={"evidence": "00060-abc"})
    first = hold(parked(), rollout, now=AT)
    assert first
    (event,) = first.events

    assert (event.event, event.reason, event.evidence) == ("Held", HELD.reason, "00060-abc")
    assert hold(first.state, rollout, now=AT) is None
    assert hold(first.state, rollout.model_copy(update={"position": 1}), now=AT)


def test_a_person_lets_a_held_step_pass() -> None:
    found = look(said(Saying.PROMOTE), a_sight(AT_TEN), now=after(120))

    assert found
    assert (found.action, found.position) == (Action.SHIFT, 1)
    assert (found.reason, found.verdict) == ("promoted by arn:ana: it is Sunday", "Inconclusive")


@pytest.mark.parametrize("phase", [Phase.PROVISIONING, Phase.BAKING, Phase.HELD])
def test_a_person_aborts_a_canary_without_blaming_it(phase: Phase) -> None:
    state = said(Saying.ABORT, parked(phase))
    endpoint = an_endpoint("Updating", v3_e3=100) if phase is Phase.PROVISIONING else AT_TEN

    found = look(state, a_sight(endpoint), now=after(120))

    assert found
    assert (found.action, found.blames) == (Action.ROLL_BACK, False)
    assert found.reason == "aborted by arn:ana: it is Sunday"


def test_what_a_person_said_is_in_the_history() -> None:
    change = say(parked(), Saying.ABORT, by="arn:ana", why="", now=after(60))

    (event,) = change.events
    assert (event.event, event.reason) == ("AbortAsked", "arn:ana")


@pytest.mark.parametrize(
    "sight",
    [
        pytest.param(a_sight(AT_TEN, alarm=AlarmState.ALARM), id="an alarm"),
        pytest.param(a_sight(AT_TEN, verdict=Verdict.FAILED), id="evidence that it is worse"),
    ],
)
def test_a_persons_word_does_not_silence(sight: Any) -> None:
    found = look(said(Saying.PROMOTE), sight, now=after(120))

    assert found
    assert (found.action, found.blames) == (Action.ROLL_BACK, True)


def test_a_persons_word_waits_until_alarms_can_be_read() -> None:
    assert look(said(Saying.PROMOTE), a_sight(AT_TEN, alarm=None), now=after(120)) is None


@pytest.mark.parametrize(
    "rollout",
    [
        pytest.param(HELD.model_copy(update={"position": 1}), id="of the step before"),
        pytest.param(HELD.model_copy(update={"id": "churn-g1-e6"}), id="of the rollout before"),
    ],
)
def test_a_word_is_for_the_step_it_was_said_of(rollout: Any) -> None:
    state = said(Saying.ABORT).model_copy(update={"rollout": rollout})
    endpoint = an_endpoint(v3_e3=100 - rollout.weight, v4_e5=rollout.weight)

    assert look(state, a_sight(endpoint), now=after(120)) is None


@pytest.mark.parametrize(
    ("saying", "state", "reason"),
    [
        pytest.param(Saying.PROMOTE, None, "nothing was ever approved", id="no target"),
        pytest.param(Saying.ABORT, a_state(), "no rollout is in flight", id="idle"),
        pytest.param(Saying.PROMOTE, parked(Phase.BAKING), "only what is held", id="baking"),
        pytest.param(Saying.ABORT, parked(Phase.STANDING_BY), "can not be aborted", id="promoted"),
        pytest.param(Saying.ABORT, parked(Phase.SETTLING), "can not be aborted", id="settling"),
    ],
)
def test_the_wrong_moment_is_told(saying: Saying, state: TargetState | None, reason: str) -> None:
    with pytest.raises(WrongPhaseError, match=reason):
        say(state, saying, by="arn:ana", why="", now=AT)
