"""A person's word on a canary without a way back: for one release and its next rollout, once."""

from __future__ import annotations

from typing import Any

import pytest

from sluice.domain.errors import DisplacedError
from sluice.domain.overriding import (
    NotOverridableError,
    overridden,
    override,
    refusal,
    take,
    waits,
)
from sluice.domain.target import Override
from tests.builders import AT, CANARY, STABLE, TARGET, a_release, a_rollout, a_state

BY, WHY = "arn:aws:iam::123456789012:user/ann", "the old image is lost for good"
WORD = Override(release=CANARY.release, by=BY, why=WHY, at=AT)
ROLLOUT = a_rollout()


def given(**changes: Any) -> Any:
    return a_state(ROLLOUT, override=WORD.model_copy(update=changes))


def test_a_word_is_written_down_with_who_said_it_and_why() -> None:
    change = override(a_state(live=STABLE), a_release("churn-v4"), by=BY, why=f" {WHY} ", now=AT)

    (event,) = change.events
    assert change.state.override == WORD
    assert (event.event, event.reason, str(event.release)) == (
        "OverrideGiven",
        f"{BY}: {WHY}",
        "churn-v4",
    )


@pytest.mark.parametrize(
    ("state", "why", "said"),
    [
        pytest.param(None, WHY, "nothing serves", id="a target nobody approved for"),
        pytest.param(a_state(live=None), WHY, "nothing serves", id="nothing to go back to"),
        pytest.param(a_state(live=CANARY), WHY, "serves endpoint/churn already", id="it serves"),
        pytest.param(a_state(live=STABLE), " ", "say why", id="no reason"),
    ],
)
def test_a_word_that_would_mean_nothing_is_refused(state: Any, why: str, said: str) -> None:
    with pytest.raises(NotOverridableError, match=said):
        override(state, a_release("churn-v4"), by=BY, why=why, now=AT)


def test_the_next_rollout_uses_it_up_and_the_history_says_on_whose_word() -> None:
    state = given()
    assert waits(state, ROLLOUT)
    assert not overridden(state, ROLLOUT)

    change = take(state, ROLLOUT, "the image is gone", now=AT)

    assert change
    (event,) = change.events
    assert event.event == "OverrideUsed"
    assert BY in event.reason
    assert WHY in event.reason
    assert "the image is gone" in event.reason
    assert overridden(change.state, ROLLOUT)
    assert not waits(change.state, ROLLOUT)


def test_a_task_that_comes_twice_finds_that_it_has_the_word() -> None:
    change = take(given(), ROLLOUT, "gone", now=AT)
    assert change

    assert take(change.state, ROLLOUT, "gone", now=AT) is None
    assert overridden(change.state, ROLLOUT)


def test_a_rollout_that_does_not_need_it_uses_it_up_too() -> None:
    change = take(given(), ROLLOUT, "", now=AT)

    assert change
    assert [one.event for one in change.events] == ["OverrideNotNeeded"]
    assert not waits(change.state, ROLLOUT)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"release": STABLE.release}, id="for another release"),
        pytest.param({"rollout": "churn-g1-e4"}, id="used up by an earlier rollout"),
    ],
)
def test_a_word_is_for_one_release_and_one_rollout(changes: dict[str, Any]) -> None:
    state = given(**changes)

    assert take(state, ROLLOUT, "gone", now=AT) is None
    assert not overridden(state, ROLLOUT)


def test_nobody_uses_it_up_who_does_not_hold_the_target() -> None:
    state = given().model_copy(update={"epoch": ROLLOUT.epoch + 1})

    with pytest.raises(DisplacedError):
        take(state, ROLLOUT, "gone", now=AT)


def test_a_refusal_says_what_is_missing_and_how_to_go_on() -> None:
    said = refusal(TARGET, CANARY.release, "the image is gone")

    assert said.startswith("NO_WAY_BACK: the image is gone. ")
    assert 'sluice override endpoint/churn --release churn-v4 --why "…"' in said
