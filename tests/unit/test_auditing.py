"""A history that was written is sound; whatever is done to it afterwards is found and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.auditing import audit
from sluice.domain.target import Event, TargetState
from tests.builders import CANARY, STABLE, TARGET, after
from tests.pasts import LENGTH, SOUND, altered, items, named, recorded, rehashed, tell, unhurried

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where every value of an item lies, those that hold others included."""
    match value:
        case dict():
            inner: list[Any] = list(value.items())
        case list():
            inner = list(enumerate(value))
        case _:
            inner = []
    for name, one in inner:
        yield (*path, name)
        yield from paths(one, (*path, name))


PLACES = [(position, path) for position, item in enumerate(SOUND.history) for path in paths(item)]
other = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)


def at(item: Any, path: Path) -> Any:
    for name in path:
        item = item[name]
    return item


def differs(one: Any, two: Any) -> bool:
    return (type(one), one) != (type(two), two)


def test_the_history_that_was_written_is_sound() -> None:
    assert audit(SOUND) == ()


@unhurried
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=8))
def test_every_history_that_was_written_is_sound(steps: list[tuple[int, int, bool]]) -> None:
    state, history = TargetState(target=TARGET), []
    for number, (epochs, told, promoted) in enumerate(steps):
        events = [Event(after(100 - number), "Said", f"{one}") for one in range(told)]
        live = {"live": CANARY if promoted else STABLE} if told else {}
        state, entries = tell(state, *events, epoch=state.epoch + epochs, **live)
        history += entries

    assert audit(recorded(state, history)) == ()


@unhurried
@given(st.sampled_from(PLACES), other)
def test_a_changed_value_is_found_wherever_it_stands(place: tuple[int, Path], value: Any) -> None:
    position, (*outer, last) = place
    changed = items()
    holder = at(changed[position], tuple(outer))
    if not differs(holder[last], value):
        return
    holder[last] = value

    assert position + 1 in named(altered(changed))


@pytest.mark.parametrize(("position", "path"), PLACES, ids=str)
def test_a_value_left_out_or_added_is_found(position: int, path: Path) -> None:
    *outer, last = path
    without, more = items(), items()
    del at(without[position], tuple(outer))[last]
    holder = at(more[position], tuple(outer))
    holder.insert(0, "more") if isinstance(holder, list) else holder.update(more="more")

    assert position + 1 in named(altered(without))
    assert position + 1 in named(altered(more))


@unhurried
@given(st.integers(1, LENGTH))
def test_a_deleted_entry_is_missed(number: int) -> None:
    left = items()
    del left[number - 1]

    flaws = audit(altered(left))

    assert [(flaw.number, "missing" in flaw.says) for flaw in flaws] == [(number, True)]


@unhurried
@given(st.integers(0, LENGTH - 1))
def test_a_truncated_tail_is_found_against_state(kept: int) -> None:
    (flaw,) = audit(altered(items()[:kept]))

    assert flaw.number == kept + 1
    assert f"STATE counts {LENGTH}" in flaw.says
    assert flaw.between[1] == "STATE"


@unhurried
@given(st.lists(st.integers(1, LENGTH), min_size=2, max_size=2, unique=True))
def test_two_entries_whose_places_were_swapped_are_named(two: list[int]) -> None:
    one, other = two
    swapped = items()
    for name in ("pk", "sk"):
        first, second = swapped[one - 1], swapped[other - 1]
        first[name], second[name] = second[name], first[name]
    swapped.sort(key=lambda item: str(item["sk"]))

    assert {one, other} <= named(altered(swapped))


@unhurried
@given(st.lists(st.integers(1, LENGTH), min_size=2, max_size=2, unique=True))
def test_two_entries_whose_contents_were_swapped_are_named(two: list[int]) -> None:
    one, other = two
    swapped = items()
    kept = ("pk", "sk", "n")
    first, second = swapped[one - 1], swapped[other - 1]
    swapped[one - 1] = {**second, **{name: first[name] for name in kept}}
    swapped[other - 1] = {**first, **{name: second[name] for name in kept}}

    assert {one, other} <= named(altered(swapped))


@unhurried
@given(st.lists(st.integers(0, LENGTH - 1), min_size=2, max_size=2, unique=True))
def test_a_bundle_whose_order_was_changed_is_found(two: list[int]) -> None:
    one, other = sorted(two)
    moved = items()
    moved[one], moved[other] = moved[other], moved[one]

    found = named(altered(moved))

    assert found
    assert found <= set(range(one + 1, other + 2))


@unhurried
@given(st.integers(1, LENGTH), st.sampled_from(["HISTORY#00000003a", "HISTORY#0", "HISTORY#"]))
def test_an_entry_put_in_is_named(number: int, key: str) -> None:
    copied = rehashed(items()[number - 1], reason="forged")
    put_in = [*items(), {**copied, "sk": key}]
    put_in.sort(key=lambda item: str(item["sk"]))

    assert any(key in flaw.says for flaw in audit(altered(put_in)))


@unhurried
@given(st.integers(1, LENGTH), st.sampled_from(["reason", "event", "execution"]))
def test_an_entry_rewritten_with_its_hash_breaks_the_chain(number: int, field: str) -> None:
    forged = items()
    forged[number - 1] = rehashed(forged[number - 1], **{field: "forged"})

    (flaw,) = audit(altered(forged))

    assert flaw.number == number
    assert flaw.between == (
        f"entry {number}",
        f"entry {number + 1}" if number < LENGTH else "STATE",
    )


@unhurried
@given(st.integers(2, LENGTH))
def test_an_entry_dated_back_with_its_hash_is_found(number: int) -> None:
    forged = items()
    forged[number - 1] = rehashed(forged[number - 1], at="2026-05-03T13:00:00.000Z")

    said = " ".join(flaw.says for flaw in audit(altered(forged)) if flaw.number == number)

    assert "times never go backwards" in said


def test_a_history_of_another_target_is_found() -> None:
    assert named(SOUND.model_copy(update={"target": "endpoint/fraud"})) == set(range(1, LENGTH + 1))


def without_defaults(item: dict[str, Any]) -> dict[str, Any]:
    """An entry as a Sluice wrote it that knew fewer fields of what serves."""
    live = {name: one for name, one in item["live"].items() if name != "told_by_config"}
    return rehashed(item, live=live)


def test_entries_of_an_older_sluice_are_sound_by_their_own_hashes() -> None:
    old = list[dict[str, Any]]()
    for item in items():
        previous = old[-1]["hash"] if old else ""
        older = without_defaults(item) if "live" in item else item
        old.append(rehashed(older, previous=previous))
    state = {**(SOUND.state or {}), "history_hash": old[-1]["hash"]}

    assert any(one["hash"] != two["hash"] for one, two in zip(old, items(), strict=True))
    assert audit(altered(old, state=state)) == ()


def test_a_number_that_was_changed_is_named_where_it_lies_and_nothing_is_missed() -> None:
    changed = items()
    changed[3]["n"] = 300

    assert named(altered(changed)) == {4}


def test_an_entry_moved_to_another_key_is_still_the_number_that_it_hashes() -> None:
    moved = items()
    moved[3]["sk"] = "HISTORY#00000300"
    moved.sort(key=lambda item: str(item["sk"]))

    flaws = audit(altered(moved))

    assert {flaw.number for flaw in flaws} == {4}
    assert not any("missing" in flaw.says for flaw in flaws)


@pytest.mark.parametrize(
    "changed", [{"epoch": "five"}, {"at": "2026-05-03T14:10:00.000"}], ids=["epoch", "no zone"]
)
def test_a_newest_entry_that_cannot_be_read_is_told_though_its_hash_fits(
    changed: dict[str, Any],
) -> None:
    forged = items()
    forged[-1] = rehashed(forged[-1], **changed)

    said = [flaw.says for flaw in audit(altered(forged)) if flaw.number == LENGTH]

    assert "it cannot be read as an entry" in said


def test_a_first_entry_that_names_a_predecessor_is_told() -> None:
    cut = items()[:1]
    cut[0] = rehashed(cut[0], previous="0" * 64)
    state = {**(SOUND.state or {}), "history_length": 1, "history_hash": cut[0]["hash"]}

    said = [flaw.says for flaw in audit(altered(cut, state=state)) if flaw.number == 1]

    assert any("the first has none" in one for one in said)


def test_of_a_history_that_was_read_in_part_only_what_was_read_is_told() -> None:
    newest = SOUND.model_copy(update={"history": SOUND.history[4:]})
    gap = newest.model_copy(update={"history": (*newest.history[:2], *newest.history[3:])})

    assert audit(newest, whole=False) == ()
    assert [flaw.number for flaw in audit(newest)] == [1]
    assert [flaw.number for flaw in audit(gap, whole=False)] == [7]
