"""What `STATE` says of a history is held against its newest entry."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.domain.auditing import audit
from sluice.domain.recorded import Bundle
from sluice.domain.target import Event
from tests.builders import AT, STABLE, after
from tests.pasts import LENGTH, SOUND, a_past, altered, items, recorded, rehashed, tell, unhurried

if TYPE_CHECKING:
    from sluice.domain.recorded import Recorded


def test_an_epoch_that_falls_back_is_found_though_everything_was_hashed_again() -> None:
    state, history = a_past()
    state, late = tell(state, Event(after(9_000), "Settled", ""), epoch=2)
    found = audit(recorded(state, [*history, *late]))

    assert [(flaw.number, flaw.says) for flaw in found] == [
        (LENGTH + 1, "its epoch is 2, after 5: epochs never fall back")
    ]


@pytest.mark.parametrize(
    ("changed", "number", "said"),
    [
        ({"history_hash": "0" * 64}, LENGTH, "as the newest entry's hash"),
        ({"history_length": LENGTH + 2}, LENGTH + 1, "entries 12 to 13 are missing"),
        ({"history_length": LENGTH - 1}, LENGTH, "entry 11 is too many: STATE counts 10"),
        ({"history_length": "11"}, 0, "it counts '11' entries"),
        ({"history_at": "2026-05-03T15:00:00.000Z"}, LENGTH, "STATE dates the newest entry"),
        ({"epoch": 4}, LENGTH, "STATE is in epoch 4"),
        ({"live": None}, LENGTH, "STATE says that nothing serves, the newest entry churn-v3"),
        ({"live": {"release": 1}}, LENGTH, "something that cannot be read serves"),
    ],
)
def test_a_state_that_does_not_follow_is_found(
    changed: dict[str, Any], number: int, said: str
) -> None:
    state = {**(SOUND.state or {}), **changed}

    (flaw,) = audit(SOUND.model_copy(update={"state": state}))

    assert flaw.number == number
    assert said in flaw.says


def test_what_differs_of_two_that_bear_one_name_is_told() -> None:
    live = STABLE.model_copy(update={"package_arn": "another"}).model_dump(mode="json")
    (flaw,) = audit(SOUND.model_copy(update={"state": {**(SOUND.state or {}), "live": live}}))

    assert flaw.says.endswith("they differ in package_arn")


def test_a_history_without_its_state_is_found() -> None:
    (flaw,) = audit(SOUND.model_copy(update={"state": None}))

    assert str(flaw) == "STATE: there is no such item (between entry 11 and the end)"


def test_a_bundle_reads_back_as_it_was() -> None:
    bundle = Bundle(made_at=AT, recorded=(SOUND,))

    assert Bundle.model_validate_json(bundle.model_dump_json()) == bundle


def forged_throughout(number: int) -> Recorded:
    """Entry `number` rewritten, and every hash after it with it."""
    forged = items()
    forged[number - 1] = rehashed(forged[number - 1], reason="forged")
    for before, item in pairwise(forged[number - 1 :]):
        item.update(rehashed(item, previous=before["hash"]))
    return altered(forged)


@unhurried
@given(st.integers(1, LENGTH))
def test_who_forges_the_whole_chain_meets_state(number: int) -> None:
    (flaw,) = audit(forged_throughout(number))

    assert flaw.number == LENGTH
    assert "as the newest entry's hash" in flaw.says
