"""Events twice, late, out of order and never, on request; and the count of each, so that it shows.

EventBridge user guide, "Event bus concepts": delivery at least once, in no particular order.

AWS: eventbridge/latest/userguide/eb-event-bus-concepts.html
AWS: eventbridge/latest/userguide/eb-troubleshooting.html
"""

import contextlib
import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.launcher import LocalCloud
from localcloud.misdeliveries import Fault, Passage
from tests.localcloud.conftest import Clients
from tests.localcloud.queues import create_queue, receive, received_bodies
from tests.localcloud.waiting import until


class Line:
    """A rule on a source of its own, with queues that get what it delivers."""

    def __init__(self, cloud: LocalCloud, client: Clients, name: str) -> None:
        self.cloud, self.client, self.name = cloud, client, name
        pattern = json.dumps({"source": [name]})
        self.rule: str = client("events").put_rule(Name=name, EventPattern=pattern)["RuleArn"]

    def queue(self, suffix: str) -> str:
        """A queue the rule delivers to; its URL."""
        named = f"{self.name}-{suffix}"
        url, arn = create_queue(self.client, named, "events.amazonaws.com", self.rule)
        self.client("events").put_targets(Rule=self.name, Targets=[{"Id": suffix, "Arn": arn}])
        return url

    def put(self, **detail: Any) -> str:
        """Publish one event; its id."""
        entry = {"Source": self.name, "DetailType": "Told", "Detail": json.dumps(detail)}
        (told,) = self.client("events").put_events(Entries=[entry])["Entries"]
        return str(told["EventId"])

    @contextlib.contextmanager
    def fault(self, kind: str, **chosen: Any) -> Iterator[dict[str, int]]:
        """A fault on this line's events; how often it matched and struck, known at the end."""
        named = {"name": self.name, "kind": kind, "source": self.name, **chosen}
        self.cloud.control("deliveries", named)
        counts: dict[str, int] = {}
        try:
            yield counts
        finally:
            told = self.cloud.control("deliveries", {"name": self.name})
            (mine,) = (one for one in told if one["name"] == self.name)
            counts |= {"matched": mine["matched"], "struck": mine["struck"]}


@pytest.fixture
def line(cloud: LocalCloud, client: Clients, unique: str) -> Line:
    """A rule and a source that no other test uses."""
    return Line(cloud, client, unique)


@pytest.mark.parametrize("fresh_ids", [True, False])
def test_an_event_comes_twice_as_the_same_or_under_another_id(line: Line, fresh_ids: bool) -> None:
    url, other = line.queue("one"), line.queue("two")
    with line.fault("duplicate", fresh_ids=fresh_ids) as counts:
        own = line.put(n=1)
        first, second = received_bodies(line.client, url, 2)
        ids = {one["id"] for one in received_bodies(line.client, other, 2)}
    assert counts == {"matched": 2, "struck": 2}
    assert first["detail"] == second["detail"] == {"n": 1}
    assert own in {first["id"], second["id"]}
    assert len({first["id"], second["id"]}) == (2 if fresh_ids else 1)
    # What a service sends again is one event: every target sees the same other id.
    assert ids == {first["id"], second["id"]}


def test_an_event_that_is_late_comes_after_one_that_was_told_later(line: Line) -> None:
    url = line.queue("q")
    before = line.cloud.now()
    with line.fault("delay", seconds=240, about='"late"') as counts:
        line.put(kind="late")
        line.put(kind="prompt")
        (prompt,) = receive(line.client, url, 1)
        assert json.loads(prompt["Body"])["detail"] == {"kind": "prompt"}
        (late,) = received_bodies(line.client, url, 1)
    assert counts == {"matched": 1, "struck": 1}
    assert late["detail"] == {"kind": "late"}
    assert (line.cloud.now() - before).total_seconds() >= 240
    # The event tells when it happened, not when it came.
    assert late["time"] <= json.loads(prompt["Body"])["time"]


def test_an_event_is_lost_for_the_target_named_and_only_for_it(line: Line) -> None:
    lost, kept = line.queue("lost"), line.queue("kept")
    with line.fault("drop", target=f":{line.name}-lost") as counts:
        line.put(n=1)
        assert len(receive(line.client, kept, 1)) == 1
        assert receive(line.client, lost, 0) == []
    assert counts == {"matched": 1, "struck": 1}
    line.put(n=2)
    assert received_bodies(line.client, lost, 1)[0]["detail"] == {"n": 2}


def test_a_fault_of_another_detail_type_or_rule_does_not_strike(line: Line) -> None:
    url = line.queue("q")
    for other in ({"detail_type": "Untold"}, {"rule": "another"}, {"about": "nothing like it"}):
        with line.fault("drop", **other) as counts:
            line.put(n=1)
            receive(line.client, url, 1)
        assert counts == {"matched": 0, "struck": 0}


def test_a_count_bounds_how_often_a_fault_strikes(line: Line) -> None:
    url = line.queue("q")
    with line.fault("drop", count=2) as counts:
        for n in range(5):
            line.put(n=n)
        kept = received_bodies(line.client, url, 3)
    assert counts == {"matched": 5, "struck": 2}
    assert {one["detail"]["n"] for one in kept} == {2, 3, 4}


def test_a_rate_is_spread_evenly() -> None:
    # Ours: drawn at random, a test would sometimes see none.
    passage = Passage("aws.s3", "Object Created", "rule", "target", "{}")
    fault = Fault("some", "drop", rate=0.25)
    assert [fault.strikes(passage) for _ in range(8)] == [False, False, False, True] * 2


def test_schedules_are_late_or_lost_like_rules(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{unique}"
    cloud.control("deliveries", {"name": unique, "kind": "drop", "rule": f"/{unique}"})
    url, queue = create_queue(client, unique, "events.amazonaws.com", arn)
    client("events").put_rule(Name=unique, ScheduleExpression="rate(1 minute)")
    client("events").put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": queue}])

    def struck() -> int:
        told = cloud.control("deliveries")
        return sum(one["struck"] for one in told if one["name"] == unique)

    until(lambda: struck() >= 2, "two ticks were lost")
    assert receive(client, url, 0) == []
    client("events").disable_rule(Name=unique)
    cloud.control("deliveries", {"name": unique})


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "drop"},
        {"name": "x", "kind": "vanish"},
        {"name": "x", "kind": "drop", "rate": 2},
        {"name": "x", "kind": "drop", "colour": "red"},
        {"name": "never was"},
    ],
)
def test_a_fault_that_could_not_be_is_refused(cloud: LocalCloud, wrong: dict[str, Any]) -> None:
    # Ours: a fault misspelt would strike nothing, and a test would pass for it.
    with pytest.raises(urllib.error.HTTPError, match="400"):
        cloud.control("deliveries", wrong)
