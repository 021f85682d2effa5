"""What with a partner a target has lost is remembered, whatever took it away."""

from __future__ import annotations

import pytest

from sluice.domain.parting import REMEMBERED, part
from sluice.domain.rollout import Kind
from sluice.domain.target import Change, Event, Mark, TargetState
from tests.builders import (
    AT,
    CANARY,
    STABLE,
    a_rollout,
    a_state,
    a_wanted,
    after,
)
from tests.unit.pairs import PAIR

PAIRED = CANARY.model_copy(update={"pair": PAIR})
OURS = a_wanted(4).model_copy(update={"pair": PAIR})
LEFT = Event(after(60), "Aborted", "a bad canary", CANARY.release)
UNDER_WAY = a_rollout(release=PAIRED)
STANDS_BY = UNDER_WAY.model_copy(update={"promoted": True})
BACK = a_rollout(Kind.ROLL_BACK, release=STABLE, replaced=PAIRED)


def parted(before: TargetState, after: TargetState, *events: Event) -> dict[str, Mark]:
    return part(before, Change(after, events or (LEFT,))).parted


@pytest.mark.parametrize(
    ("before", "then"),
    [
        pytest.param(a_state(wanted=OURS), a_state(), id="its approval was consumed"),
        pytest.param(a_state(wanted=OURS), a_state(wanted=a_wanted(5)), id="superseded"),
        pytest.param(
            a_state(UNDER_WAY),
            a_state(UNDER_WAY.model_copy(update={"taken_back": True})),
            id="aborted",
        ),
        pytest.param(
            a_state(STANDS_BY, live=PAIRED),
            a_state(STANDS_BY.model_copy(update={"taken_back": True})),
            id="taken back in stand-by",
        ),
        pytest.param(
            a_state(BACK, live=PAIRED),
            a_state(BACK.model_copy(update={"promoted": True}), live=STABLE),
            id="a last good release took over",
        ),
        pytest.param(a_state(UNDER_WAY), a_state(), id="nobody takes over its rollout"),
    ],
)
def test_what_leaves_is_remembered_with_when_and_why(
    before: TargetState, then: TargetState
) -> None:
    assert parted(before, then) == {"churn-v4": Mark(reason="a bad canary", at=after(60))}


@pytest.mark.parametrize(
    ("before", "then"),
    [
        pytest.param(a_state(wanted=OURS), a_state(UNDER_WAY, wanted=OURS), id="it begins"),
        pytest.param(
            a_state(UNDER_WAY, wanted=OURS), a_state(STANDS_BY, live=PAIRED), id="it is promoted"
        ),
        pytest.param(a_state(STANDS_BY, live=PAIRED), a_state(live=PAIRED), id="it settles"),
        pytest.param(
            a_state(UNDER_WAY, wanted=OURS),
            a_state(UNDER_WAY.model_copy(update={"taken_back": True}), wanted=OURS),
            id="it is put off",
        ),
        pytest.param(
            a_state(a_rollout(release=STABLE, stable=PAIRED), live=PAIRED),
            a_state(a_rollout(release=STABLE, stable=PAIRED, promoted=True), live=STABLE),
            id="a newer release is promoted over it",
        ),
        pytest.param(a_state(wanted=a_wanted(4)), a_state(), id="it moves alone"),
    ],
)
def test_what_stays_or_is_replaced_or_moves_alone_is_not(
    before: TargetState, then: TargetState
) -> None:
    assert parted(before, then) == {}


def test_nothing_is_remembered_of_a_target_that_was_not() -> None:
    assert part(None, Change(a_state(live=PAIRED))).parted == {}


def test_of_many_the_newest_are_remembered() -> None:
    marks = {f"support-v{n}": Mark(reason="", at=after(n)) for n in range(30)}
    before = a_state(wanted=OURS, parted=marks)

    kept = parted(before, a_state(parted=marks))

    assert len(kept) == REMEMBERED
    assert {"churn-v4", "support-v29"} <= set(kept)
    assert "support-v10" not in kept


def test_where_no_event_tells_why_the_time_is_that_of_the_last_one() -> None:
    before = a_state(wanted=OURS, history_at=AT)

    assert part(before, Change(a_state())).parted["churn-v4"].at == AT
