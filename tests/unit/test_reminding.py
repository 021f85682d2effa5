"""Each distinct set of findings is told once, again after a day, and when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sluice.domain.reminding import WEEKLY, Reminder, digests, due
from tests.builders import AT

ONE, TWO = digests(["image"]), digests(["image", "role"])
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
        pytest.param(TOLD, (), {"partly": True}, None, id="not found, as it was not to be read"),
        pytest.param(
            {"said": TWO}, ONE, {"partly": True}, None, id="half of it was not to be read"
        ),
        pytest.param(TOLD, TWO, {"partly": True}, TWO, id="more, and something unread"),
        pytest.param(None, (), {"partly": True}, None, id="nothing but unread"),
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
    assert digests(["b", "a", "b"]) == digests(["a", "b"])
    assert digests(["a"]) != digests(["b"])
