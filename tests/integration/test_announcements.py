"""What we tell machines and people."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from sluice.adapters.announcements import AnnouncementError, Announcements
from tests.integration.conftest import TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.rollouts import Wire, World


@pytest.fixture
def announcements(world: World) -> Announcements:
    return Announcements(world.aws("events"), world.aws("sns"), topic_arn=TOPIC)


def test_machines_get_an_event_and_people_a_sentence(
    announcements: Announcements, world: World, told: Callable[[], list[str]]
) -> None:
    announcements.announce("ReleasePromoted", {"target": "endpoint/churn"}, message="It serves.")

    assert world.announced() == [("ReleasePromoted", {"target": "endpoint/churn"})]
    assert told() == ["It serves."]


def test_without_a_sentence_people_are_left_alone(
    announcements: Announcements, world: World, told: Callable[[], list[str]]
) -> None:
    announcements.announce("RolloutStarted", {})

    assert [kind for kind, _ in world.announced()] == ["RolloutStarted"]
    assert told() == []


def test_an_event_that_the_bus_did_not_take_is_an_error(
    announcements: Announcements, wire: Wire, told: Callable[[], list[str]]
) -> None:
    """PutEvents answers 200 even so."""
    entry = {"ErrorCode": "InternalException", "ErrorMessage": "try again"}
    wire.once("PutEvents", FailedEntryCount=1, Entries=[entry])

    with pytest.raises(AnnouncementError, match="try again"):
        announcements.announce("ReleasePromoted", {}, message="It serves.")

    assert told() == []


def test_a_long_subject_is_cut_to_what_sns_takes(announcements: Announcements, wire: Wire) -> None:
    announcements.announce("X" * 120, {}, message="It serves.")

    (published,) = wire.calls("Publish")
    (subject,) = parse_qs(str(published))["Subject"]
    assert (len(subject), subject[:12]) == (100, "Sluice: XXXX")
