"""Which alarms count, and what is remembered of those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.arming import AlarmState, Readings, arm, arms_again, disarm, note, remark
from sluice.domain.target import Event
from tests.builders import ALARM, AT, a_state, after

OK, FIRING, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
DISARMED = disarm(a_state(), [ALARM], at=AT)


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        pytest.param({ALARM: OK}, True, id="ok"),
        pytest.param({ALARM: FIRING}, False, id="in alarm still"),
        pytest.param({ALARM: NO_DATA}, False, id="without data"),
        pytest.param({}, False, id="not read"),
    ],
)
def test_a_disarmed_alarm_counts_again_at_its_first_ok_and_at_nothing_else(
    seen: dict[str, AlarmState], *, counts: bool
) -> None:
    assert (ALARM not in arm(DISARMED, seen).disarmed) is counts


@pytest.mark.parametrize(
    ("seconds", "after_ok", "counts"),
    [
        pytest.param(60, True, True, id="it was ok in between"),
        pytest.param(60, False, False, id="it was without data in between"),
        pytest.param(-60, True, False, id="an event from before, heard of late"),
    ],
)
def test_an_event_arms_again_only_what_was_ok_since(
    seconds: float, *, after_ok: bool, counts: bool
) -> None:
    assert arms_again(DISARMED, ALARM, at=after(seconds), after_ok=after_ok) is counts
    assert arms_again(a_state(), ALARM, at=after(seconds), after_ok=after_ok)


def test_disarming_again_keeps_since_when() -> None:
    assert disarm(DISARMED, [ALARM], at=after(60)) is DISARMED


def test_firing_is_what_is_in_alarm_and_neither_muted_nor_disarmed() -> None:
    states = {"a": FIRING, "b": FIRING, "c": FIRING, "d": OK, "e": NO_DATA}
    readings = Readings(states, muted=frozenset("b"))

    assert readings.firing("abcdef", disarmed="c") == ("a",)


def test_what_is_noted_once_is_not_noted_again() -> None:
    event = Event(AT, "AlarmIgnored", "why")
    first = note(a_state(), "MUTED a", event)

    assert first
    assert first.events == (event,)
    assert note(first.state, "MUTED a", event) is None
    assert note(first.state, "MUTED b", event)


def test_a_look_that_sees_nothing_new_changes_nothing() -> None:
    assert remark(DISARMED, Readings({ALARM: FIRING}), now=AT) is None


@given(st.lists(st.sampled_from([OK, FIRING, NO_DATA]), max_size=40))
def test_however_an_alarm_flaps_the_history_grows_by_one_entry_a_kind(
    flapping: list[AlarmState],
) -> None:
    state, told = a_state(), 0
    for seen in flapping:
        muted = frozenset([ALARM]) if seen is FIRING else frozenset[str]()
        change = remark(state, Readings({ALARM: seen}, muted, trouble="throttled"), now=AT)
        if change:
            state, told = change.state, told + len(change.events)

    assert told <= 2
