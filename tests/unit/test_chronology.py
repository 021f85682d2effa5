"""What served when: every moment has one answer, and the answer is what the history says."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.chronology import approval, services, situation
from sluice.domain.history import Entry
from sluice.domain.target import Event, TargetState
from tests.builders import CANARY, STABLE, TARGET, after, deployed
from tests.pasts import a_past, tell, unhurried

if TYPE_CHECKING:
    from sluice.domain.rollout import Deployed

_, PAST = a_past()
RELEASES = st.sampled_from([None, STABLE, CANARY, deployed(5, epoch=9)])


def served(entries: list[Entry], seconds: float) -> str:
    live = situation(entries, after(seconds)).service.live
    return str(live.release) if live else "nothing"


@pytest.mark.parametrize(
    ("seconds", "release"),
    [
        pytest.param(-1, "nothing", id="before anything"),
        pytest.param(119.999, "nothing", id="the last moment before it"),
        pytest.param(120, "churn-v3", id="the moment it is promoted"),
        pytest.param(419.999, "churn-v3", id="the canary has a share only"),
        pytest.param(420, "churn-v4", id="promoted"),
        pytest.param(480, "churn-v3", id="rolled back"),
        pytest.param(9_000, "churn-v3", id="since"),
    ],
)
def test_what_served_is_what_the_newest_entry_says(seconds: float, release: str) -> None:
    assert served(PAST, seconds) == release


def test_services_follow_each_other_without_a_gap() -> None:
    found = services(PAST)

    assert [one.live for one in found] == [None, STABLE, CANARY, STABLE]
    assert (found[0].since, found[-1].until) == (None, None)
    assert all(one.until == two.since for one, two in pairwise(found))
    assert [one.first and one.first.event for one in found[1:]] == [
        "Promoted",
        "Promoted",
        "RolledBack",
    ]


@unhurried
@given(
    st.lists(st.tuples(st.integers(0, 2), RELEASES), max_size=10),
    st.lists(st.integers(-3, 25), min_size=1, max_size=4),
)
def test_every_moment_has_one_answer(
    steps: list[tuple[int, Deployed | None]], moments: list[int]
) -> None:
    state, entries, seconds = TargetState(target=TARGET), list[Entry](), 0
    for pause, live in steps:
        seconds += pause
        state, more = tell(state, Event(after(seconds), "Said", ""), live=live)
        entries += more

    for moment in moments:
        at = after(moment)
        answers = [one for one in services(entries) if one.touches(at, at)]
        before = [one.live for one in entries if one.at <= at]
        assert len(answers) == 1
        assert answers[0].live == (before[-1] if before else None)


def test_a_halt_lasts_until_a_rollout_begins() -> None:
    halted = situation(PAST, after(600))
    assert halted.service.live == STABLE
    assert halted.halted
    assert halted.halted.event == "Halted"
    assert situation(PAST, after(599)).halted is None

    state, _ = a_past()
    state, settled = tell(state, Event(after(700), "Settled", "Halted"))
    _, begun = tell(state, Event(after(800), "RolloutStarted", ""), holder="churn-g1-e6")
    later = [*PAST, *settled, *begun]
    assert situation(later, after(799)).halted == halted.halted
    assert situation(later, after(800)).halted is None


def test_who_stands_by_what_serves_ends_the_halt() -> None:
    state, _ = a_past()
    _, stood_by = tell(state, Event(after(700), "ApprovalConsumed", "churn-v3 is live already"))

    assert situation([*PAST, *stood_by], after(700)).halted is None


def test_a_rollout_is_under_way_until_the_target_is_released() -> None:
    def going_on(seconds: float) -> tuple[str, str]:
        found = situation(PAST, after(seconds))
        started = found.started.execution if found.started else ""
        return started, found.shifted.reason if found.shifted else ""

    assert going_on(59) == ("", "")
    assert going_on(60) == ("churn-g1-e3", "")
    assert going_on(180) == ("", "")
    assert going_on(300) == ("churn-g1-e5", "")
    assert going_on(360) == ("churn-g1-e5", "v3-e3 90 %, v4-e5 10 %")
    assert going_on(540) == ("", "")


def test_a_release_serves_by_its_own_newest_approval_before_it() -> None:
    found = services(PAST)
    reasons = [said.reason if (said := approval(PAST, one)) else "" for one in found]

    assert reasons == ["", "approved by alice", "approved by bob", "approved by alice"]


def test_an_approval_after_it_began_is_not_what_it_serves_by() -> None:
    state, _ = a_past()
    _, again = tell(state, Event(after(700), "Approved", "approved by carol", CANARY.release))
    past = [*PAST, *again]

    said = approval(past, services(past)[2])

    assert said
    assert said.reason == "approved by bob"


def test_weights_of_a_rollout_before_say_nothing_of_the_next() -> None:
    state, _ = a_past()
    _, begun = tell(state, Event(after(700), "RolloutStarted", ""), holder="churn-g1-e6")

    found = situation([*PAST, *begun], after(700))

    assert found.started == begun[0]
    assert found.shifted is None


def test_ranges_touch_what_they_share_a_moment_with() -> None:
    _, first, second, _ = services(PAST)
    begins, ends = after(120), after(420)

    assert first.touches(begins, begins)
    assert not first.touches(ends, None)
    assert first.touches(ends - timedelta(milliseconds=1), ends)
    assert not first.touches(None, begins - timedelta(milliseconds=1))
    assert second.touches(ends, ends)
    assert first.touches(None, None)
