"""A target's history: gapless, each entry bound to its predecessor."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.history import Entry, chronicle, entry_hash
from sluice.domain.release import ReleaseName
from sluice.domain.target import Change, Event, TargetState, orphaned
from tests.builders import AT, STABLE, a_rollout, a_state, after


def events(number: int) -> tuple[Event, ...]:
    return tuple(Event(after(n), "Shifted", f"step {n}") for n in range(number))


def broken(entries: tuple[Entry, ...]) -> list[int]:
    """Numbers of the entries that do not follow from their predecessors."""
    previous = Entry(n=0, at=AT, event="", reason="", epoch=0, execution="", previous="")
    found = []
    for entry in entries:
        follows = entry.previous == previous.hash and entry.n == previous.n + 1
        if not follows or entry.hash != entry_hash(entry):
            found.append(entry.n)
        previous = entry
    return found


@given(st.lists(st.integers(0, 4), max_size=8))
def test_the_history_is_gapless_and_chained_however_it_was_written(batches: list[int]) -> None:
    state, history = TargetState(target="endpoint/churn"), ()
    for size in batches:
        state, entries = chronicle(Change(state, events(size)))
        history = (*history, *entries)

    assert [entry.n for entry in history] == list(range(1, sum(batches) + 1))
    assert broken(history) == []
    assert state.history_length == sum(batches)
    assert state.history_hash == (history[-1].hash if history else "")


def test_times_never_go_backwards_when_events_overtake_each_other() -> None:
    state, _ = chronicle(Change(TargetState(target="endpoint/churn"), (Event(AT, "Rejected", ""),)))

    _, (late,) = chronicle(Change(state, (Event(AT - timedelta(seconds=9), "Approved", ""),)))

    assert late.at == AT


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"reason": "no alarm"}, id="reason"),
        pytest.param({"event": "Promoted"}, id="event"),
        pytest.param({"at": AT + timedelta(milliseconds=1)}, id="time"),
        pytest.param({"live": STABLE}, id="what served"),
        pytest.param({"release": ReleaseName(group="churn", version=9)}, id="release"),
        pytest.param({"epoch": 9}, id="epoch"),
        pytest.param({"execution": "churn-g1-e9"}, id="execution"),
    ],
)
def test_an_entry_changed_afterwards_is_found(changed: dict[str, object]) -> None:
    _, entries = chronicle(Change(TargetState(target="endpoint/churn"), events(3)))
    tampered = (entries[0], entries[1].model_copy(update=changed), entries[2])

    assert broken(entries) == []
    assert broken(tampered) == [2]


def test_an_entry_rewritten_with_its_hash_breaks_the_next_one() -> None:
    _, entries = chronicle(Change(TargetState(target="endpoint/churn"), events(3)))
    forged = entries[1].model_copy(update={"reason": "forged"})
    forged = forged.model_copy(update={"hash": entry_hash(forged)})

    assert broken((entries[0], forged, entries[2])) == [3]


def test_an_entry_left_out_is_missed() -> None:
    _, entries = chronicle(Change(TargetState(target="endpoint/churn"), events(3)))

    assert broken((entries[0], entries[2])) == [3]


def test_an_entry_tells_what_served_and_who_held_the_target() -> None:
    state = a_state(a_rollout())

    _, (entry,) = chronicle(Change(state, events(1)))

    assert (entry.live, entry.epoch, entry.execution) == (STABLE, 5, "churn-g1-e5")


def test_an_entry_reads_back_with_the_same_hash() -> None:
    _, (entry,) = chronicle(Change(a_state(), events(1)))

    read = Entry.model_validate_json(entry.model_dump_json(exclude_none=True))

    assert entry_hash(read) == entry.hash


def test_no_alarm_is_orphaned_while_a_rollout_holds_the_target() -> None:
    gone = {"v1-e1", "v3-e3"}

    assert orphaned(a_state(), gone) == {"v1-e1"}
    assert orphaned(a_state(a_rollout()), gone) == frozenset()
