"""What the state machine hands a task, and what it gets back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sluice.domain.rollout import Kind, Outcome, Rollout, Verdict
from sluice.events.tasks import dump_rollout, parse_task
from tests.builders import AT, a_rollout

ENTERED = "2026-05-03T14:00:00.000Z"


@given(
    st.builds(
        a_rollout,
        kind=st.sampled_from(Kind),
        position=st.integers(-1, 1),
        outcome=st.one_of(st.none(), st.sampled_from(Outcome)),
        verdict=st.one_of(st.none(), st.sampled_from(Verdict)),
        reason=st.text(max_size=20),
        settle_config=st.sampled_from(["", "churn-v4-e5"]),
        blames=st.booleans(),
    )
)
def test_a_rollout_travels_through_the_machine_unchanged(rollout: Rollout) -> None:
    payload = json.loads(json.dumps(dump_rollout(rollout)))

    assert parse_task({"rollout": payload, "at": ENTERED}).rollout == rollout


def test_the_time_is_the_states_own() -> None:
    assert parse_task({"rollout": dump_rollout(a_rollout()), "at": ENTERED}).at == AT


@pytest.mark.parametrize("missing", ["rollout", "at"])
def test_a_task_needs_both(missing: str) -> None:
    event = {"rollout": dump_rollout(a_rollout()), "at": ENTERED}
    del event[missing]

    with pytest.raises(ValidationError):
        parse_task(event)
