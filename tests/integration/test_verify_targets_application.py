"""`verify_targets`: could an application go back, and does what it asks still answer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sluice.domain.approval import new_target
from sluice.domain.values import iso
from tests.builders import AT
from tests.integration.catalogue import MODEL_ID
from tests.integration.published import APPLICATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.published import Application

HOUR = timedelta(hours=1)
ANSWER = f"answer of {MODEL_ID} to support-v{{}}"


@pytest.fixture
def served(support: Application) -> Application:
    """Version 1 of `support` is live on version 2 of its function; version 3 served before."""
    before = support.deployed(2, epoch=0, number="3")
    support.lambdas.publishes(3, support.serves(2))
    live = {"live": support.stable, "last_good": (support.stable, before), "owner": "support"}
    support.world.given(new_target(APPLICATION).model_copy(update=live))
    support.world.announced()
    return support


def look(served: Application, hours: float = 0) -> list[str]:
    """The events that a look at the application sends, so many hours after the first."""
    body = json.dumps({"target": APPLICATION, "at": iso(AT + hours * HOUR)})
    batch = {"Records": [{"messageId": "m-1", "body": body, "eventSource": "aws:sqs"}]}
    told: list[str] = served.world.call("verify_targets", batch)["told"]
    return told


def lacking(served: Application) -> dict[str, list[tuple[str, str, str]]]:
    """Name, severity and what was found of each finding that was told of the way back."""
    (detail,) = (one for kind, one in served.world.announced() if kind == "RollbackNotReady")
    assert detail["target"] == APPLICATION
    return {
        one["release"]: [
            (each["what"], each["severity"], each["found"]) for each in one["findings"]
        ]
        for one in detail["releases"]
    }


def test_both_that_it_could_go_back_to_are_asked_one_short_question_each(
    served: Application, told: Callable[[], list[str]]
) -> None:
    assert look(served) == []

    assert told() == []
    assert len(served.catalogue.probed) == 2
    changing = ("Update", "Publish", "Create", "Delete", "Put")
    assert [one for one, *_ in served.lambdas.asked if str(one).startswith(changing)] == []


def test_a_model_that_refuses_whoever_asks_is_told_until_it_answers(
    served: Application, told: Callable[[], list[str]]
) -> None:
    served.catalogue.refuses[MODEL_ID] = ("AccessDeniedException", "no access to the model")

    assert look(served) == ["RollbackNotReady"]
    assert look(served, 4) == []

    found = lacking(served)
    assert found.keys() == {"support-v1", "support-v2"}
    for number in (1, 2):
        ((what, severity, said),) = found[f"support-v{number}"]
        assert (what, severity) == (ANSWER.format(number), "drift")
        assert "no access to the model" in said
    assert any("It could go back to nothing" in mail for mail in told())
    del served.catalogue.refuses[MODEL_ID]
    assert look(served, 8) == ["RollbackReady"]


def test_a_model_that_is_busy_says_nothing_of_the_way_back(served: Application) -> None:
    served.catalogue.refuses[MODEL_ID] = ("ThrottlingException", "too many")

    assert look(served) == []

    assert served.world.announced() == []


def test_a_version_of_the_function_that_was_deleted_is_missed_of_its_release_alone(
    served: Application,
) -> None:
    served.lambdas.versions.pop("3")

    assert look(served) == ["RollbackNotReady"]

    found = lacking(served)
    assert found == {"support-v2": [("version 3 of sluice-serve", "gone", "nothing")]}


def test_a_model_that_ends_is_told_before_it_does_and_is_no_way_back_when_it_has(
    served: Application,
) -> None:
    ends = iso(AT + timedelta(days=20))
    served.catalogue.has_model(MODEL_ID, status="LEGACY", endOfLifeTime=AT + timedelta(days=20))

    assert look(served) == ["ModelEnds"]

    ((_, detail),) = served.world.announced()
    assert {one["release"]["version"] for one in detail["models"]} == {1, 2}
    assert all(one["ends_at"] == ends for one in detail["models"])
    assert look(served, 24 * 21)[:2] == ["DriftDetected", "RollbackNotReady"]
    for findings in lacking(served).values():
        ((what, severity, _),) = findings
        assert (severity, what.startswith(f"model {MODEL_ID} of ")) == ("gone", True)
