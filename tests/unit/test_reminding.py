"""Each distinct set of findings is told once, again after a day, and when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sluice.domain.reminding import WEEKLY, Doubt, Reminder, Thing, digests, due
from tests.builders import AT

IMAGE, ROLE = Thing("v1", "image", "gone"), Thing("v1", "role", "another")
ONE, TWO = digests([IMAGE]), digests([IMAGE, ROLE])
OF_IMAGE, OF_ROLE = (("v1", "image"), ("v1", "role"))


def doubting(*unread: tuple[str, str], read: tuple[str, str] = OF_ROLE, hidden: str = "") -> Doubt:
    """These were not read, but this one was; and what that hides, if it hides anything."""
    scopes = frozenset({hidden} if hidden else ())
    return Doubt(unread=frozenset(unread), read=frozenset({read}), hidden=scopes)


LATER = AT + timedelta(hours=4)
TOLD = Reminder(revision=3, said=ONE, at=AT, told=True)


@pytest.mark.parametrize(
    ("last", "said", "asked", "expected"),
    [
        pytest.param(None, (), {}, None, id="all is well, as ever"),
        pytest.param(None, ONE, {}, ONE, id="the first time"),
        pytest.param(TOLD, ONE, {}, None, id="told already"),
        pytest.param(TOLD, TWO, {}, TWO, id="something more"),
        pytest.param(TOLD, (), {}, (), id="it is over"),
        pytest.param({"said": ()}, (), {}, None, id="that it is over was told"),
        pytest.param(TOLD, ONE, {"at": AT + timedelta(days=1)}, ONE, id="after a day"),
        pytest.param(
            TOLD, ONE, {"at": AT + timedelta(days=1), "every": WEEKLY}, None, id="weekly: not yet"
        ),
        pytest.param(TOLD, TWO, {"at": AT - timedelta(hours=1)}, None, id="an older look"),
        pytest.param({"told": False}, ONE, {}, ONE, id="claimed, and never told for sure"),
        pytest.param({"told": False}, ONE, {"at": AT}, ONE, id="claimed, the message comes again"),
        pytest.param(
            {"told": False}, ONE, {"at": AT + timedelta(minutes=5)}, None, id="it is being told"
        ),
        pytest.param(
            {"told": False},
            TWO,
            {"at": AT + timedelta(minutes=5)},
            TWO,
            id="more than is being told",
        ),
        pytest.param(TOLD, (), {"doubt": doubting(OF_IMAGE)}, None, id="it cannot be read now"),
        pytest.param(TOLD, (), {"doubt": doubting(OF_ROLE)}, (), id="over, another is unread"),
        pytest.param(
            TOLD, (), {"doubt": doubting(OF_ROLE, hidden="v1")}, None, id="hidden by what is unread"
        ),
        pytest.param(
            TOLD, (), {"doubt": doubting(OF_ROLE, read=OF_IMAGE, hidden="v1")}, (), id="not hidden"
        ),
        pytest.param(
            TOLD, (), {"doubt": doubting(("v2", "key"), hidden="v2")}, (), id="hidden elsewhere"
        ),
        pytest.param(
            {"said": TWO}, ONE, {"doubt": doubting(OF_ROLE)}, None, id="half of it cannot be read"
        ),
        pytest.param(
            {"said": TWO},
            ONE,
            {"doubt": doubting(OF_ROLE), "at": AT + timedelta(days=1)},
            TWO,
            id="half of it cannot be read, after a day",
        ),
        pytest.param(
            {"said": TWO}, ONE, {"doubt": doubting(("v2", "key"))}, ONE, id="half of it is over"
        ),
        pytest.param(TOLD, TWO, {"doubt": doubting(("v2", "key"))}, TWO, id="more, and unread"),
        pytest.param(None, (), {"doubt": doubting(OF_IMAGE)}, None, id="nothing but unread"),
    ],
)
def test_what_is_due(
    last: Any, said: tuple[str, ...], asked: dict[str, Any], expected: tuple[str, ...] | None
) -> None:
    before = TOLD.model_copy(update=last) if isinstance(last, dict) else last

    found = due(before, said, **{"at": LATER, **asked})

    assert (found.said if found else None) == expected
    if found:
        assert not found.told
        assert found.revision == (before.revision if before else 0) + 1
        assert found.at == asked.get("at", LATER)


def test_a_digest_does_not_depend_on_the_order_or_the_number_of_findings() -> None:
    assert digests([ROLE, IMAGE, ROLE]) == digests([IMAGE, ROLE])
    assert digests([IMAGE]) != digests([IMAGE._replace(found="another")])
