"""A model that ends is told of weeks ahead, at each threshold anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sluice.domain.ending import Ending, ending
from sluice.domain.overseeing import of_ends
from sluice.domain.reminding import Reminder, due
from tests.builders import AT, STABLE, a_state

DAY = timedelta(days=1)
NAME = STABLE.release


def told(days: float) -> tuple[str, ...]:
    """What is remembered of a model that ends on one day, so many days before that."""
    found = ending(NAME, "m", AT, live=True, at=AT - days * DAY, within_days=60)
    return of_ends(a_state(), (found,) if found else (), unread=()).said


@pytest.mark.parametrize(
    ("days", "within", "left"),
    [
        pytest.param(None, 60, None, id="no end is known"),
        pytest.param(61, 60, None, id="far away"),
        pytest.param(60, 60, 60, id="as many days as asked for"),
        pytest.param(1.5, 60, 1, id="whole days"),
        pytest.param(0, 60, 0, id="now"),
        pytest.param(-3, 60, 0, id="ended"),
        pytest.param(30, 0, None, id="nobody wants to know"),
    ],
)
def test_the_days_that_are_left(days: float | None, within: int, left: int | None) -> None:
    ends_at = None if days is None else AT + days * DAY
    found = ending(NAME, "m", ends_at, live=True, at=AT, within_days=within)

    assert (found.days if found else None) == left


def test_fewer_days_are_told_at_thresholds_whenever_it_was_told_last() -> None:
    assert told(60) == told(31)
    assert len({told(one) for one in (31, 30, 14, 7, 1, 0)}) == 6
    assert told(30) == told(15)
    assert told(61) == ()


@pytest.mark.parametrize(("after", "again"), [(6, False), (7, True)])
def test_it_is_repeated_once_a_week(after: int, again: bool) -> None:
    telling = of_ends(a_state(), (_ending(55),), unread=())
    last = Reminder(revision=1, said=telling.said, at=AT - after * DAY, told=True)

    assert bool(due(last, telling.said, at=AT, every=telling.every)) is again


def test_people_read_which_release_needs_which_model_until_when() -> None:
    telling = of_ends(a_state(), (_ending(55),), unread=())

    assert telling.event == "ModelEnds"
    assert f"m of {NAME}, which serves: ends on 2026-06-27, in 55 days" in telling.message
    assert telling.detail["models"][0]["days"] == 55


def test_nothing_is_said_when_no_model_that_is_needed_ends_any_more() -> None:
    assert of_ends(a_state(), (), unread=()).event == ""


def _ending(days: int) -> Ending:
    found = ending(NAME, "m", AT + days * DAY, live=True, at=AT, within_days=60)
    assert found
    return found
