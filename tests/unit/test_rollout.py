"""The rollout's own arithmetic: which step, which weight, which action follows a verdict."""

from __future__ import annotations

import pytest

from sluice.domain.advancing import advance, following, heed
from sluice.domain.rollout import Action, Kind, Rollout, Verdict
from tests.builders import CANARY, a_rollout


@pytest.mark.parametrize(
    ("rollout", "weight"),
    [
        pytest.param(a_rollout(), 0, id="a canary before its first step"),
        pytest.param(a_rollout(position=0), 10, id="a canary in its first step"),
        pytest.param(a_rollout(position=1), 100, id="a canary in its last step"),
        pytest.param(a_rollout(Kind.ALL_AT_ONCE), 100, id="a first deployment"),
        pytest.param(a_rollout(Kind.ROLL_BACK), 100, id="a rollback"),
    ],
)
def test_the_weight_follows_the_step(rollout: Rollout, weight: int) -> None:
    assert rollout.weight == weight


def test_before_the_first_step_there_is_no_step() -> None:
    with pytest.raises(IndexError):
        _ = a_rollout(position=-1).step


@pytest.mark.parametrize(
    ("rollout", "verdict", "action", "position", "blames"),
    [
        pytest.param(
            a_rollout(position=0), Verdict.PASSED, Action.SHIFT, 1, False, id="a step passed"
        ),
        pytest.param(
            a_rollout(position=1),
            Verdict.PASSED,
            Action.PROMOTE,
            1,
            False,
            id="the last step passed",
        ),
        pytest.param(
            a_rollout(position=0), Verdict.FAILED, Action.ROLL_BACK, 0, True, id="a step failed"
        ),
        pytest.param(
            a_rollout(position=1, on_inconclusive=Action.PROMOTE),
            Verdict.FAILED,
            Action.ROLL_BACK,
            1,
            True,
            id="a failed step is no matter of taste",
        ),
        pytest.param(
            a_rollout(position=0, on_inconclusive=Action.HOLD),
            Verdict.INCONCLUSIVE,
            Action.HOLD,
            0,
            False,
            id="undecided, and the plan holds",
        ),
        pytest.param(
            a_rollout(position=0, on_inconclusive=Action.ROLL_BACK),
            Verdict.INCONCLUSIVE,
            Action.ROLL_BACK,
            0,
            False,
            id="undecided, and the plan goes back without blame",
        ),
        pytest.param(
            a_rollout(position=0, on_inconclusive=Action.PROMOTE),
            Verdict.INCONCLUSIVE,
            Action.SHIFT,
            1,
            False,
            id="undecided, and the plan goes on step by step",
        ),
    ],
)
def test_a_verdict_leads_to_an_action(
    rollout: Rollout, verdict: Verdict, action: Action, position: int, blames: bool
) -> None:
    advanced = advance(rollout, verdict, "because")

    assert (advanced.action, advanced.position, advanced.blames) == (action, position, blames)
    assert (advanced.verdict, advanced.reason) == (verdict, "because")


@pytest.mark.parametrize("kind", [Kind.ALL_AT_ONCE, Kind.ROLL_BACK])
def test_without_steps_what_is_provisioned_is_promoted(kind: Kind) -> None:
    assert following(a_rollout(kind), "provisioned").action is Action.PROMOTE


@pytest.mark.parametrize("blames", [True, False])
def test_a_heeded_signal_takes_the_release_back(blames: bool) -> None:
    told = heed(a_rollout(position=1), "alarm", blames=blames)

    assert (told.action, told.blames, told.reason) == (Action.ROLL_BACK, blames, "alarm")


def test_a_rollout_survives_the_trip_through_json() -> None:
    rollout = a_rollout(position=1, verdict=Verdict.PASSED, proven=True)

    assert Rollout.model_validate_json(rollout.model_dump_json(exclude_none=True)) == rollout


def test_what_a_newer_version_wrote_is_handed_on() -> None:
    text = a_rollout().model_copy(update={"colour": "green"}).model_dump_json()

    assert '"colour":"green"' in Rollout.model_validate_json(text).model_dump_json()


def test_the_endpoint_is_the_target_without_its_kind() -> None:
    assert a_rollout().target_name == "churn"
    assert a_rollout().release == CANARY
