"""Schedules fire on the virtual clock, on time, once each.

AWS: eventbridge/latest/userguide/eb-create-rule-schedule.html
AWS: scheduler/latest/UserGuide/schedule-types.html
Model: scheduler.CreateSchedule
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from localcloud.launcher import LocalCloud
from tests.localcloud.conftest import Clients
from tests.localcloud.functions import create_role
from tests.localcloud.queues import create_queue, receive, received_bodies

SECONDS = "%Y-%m-%dT%H:%M:%SZ"


def times_of(events: list[Any]) -> list[datetime]:
    """When the events say they happened."""
    return sorted(datetime.strptime(event["time"], SECONDS).replace(tzinfo=UTC) for event in events)


def test_a_rate_of_one_minute_fires_each_virtual_minute_from_its_creation(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{unique}"
    url, queue = create_queue(client, unique, "events.amazonaws.com", arn)
    created = cloud.now()
    client("events").put_rule(Name=unique, ScheduleExpression="rate(1 minute)")
    client("events").put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": queue}])
    events: list[Any] = []
    while len(events) < 3:
        events += received_bodies(client, url, 1)
    client("events").disable_rule(Name=unique)
    first, second, third = times_of(events)[:3]
    assert second - first == timedelta(minutes=1)
    assert third - second == timedelta(minutes=1)
    assert timedelta(seconds=59) <= first - created <= timedelta(minutes=2)
    assert {event["detail-type"] for event in events} == {"Scheduled Event"}
    assert {event["source"] for event in events} == {"aws.events"}
    assert {tuple(event["resources"]) for event in events} == {(arn,)}


def test_cron_fires_at_the_full_minute(client: Clients, unique: str) -> None:
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{unique}"
    url, queue = create_queue(client, unique, "events.amazonaws.com", arn)
    client("events").put_rule(Name=unique, ScheduleExpression="cron(* * * * ? *)")
    client("events").put_targets(Rule=unique, Targets=[{"Id": "1", "Arn": queue}])
    (event,) = received_bodies(client, url, 1)
    client("events").disable_rule(Name=unique)
    assert times_of([event])[0].second == 0


def sender(client: Clients, name: str, queue: str) -> str:
    """A role that may send to the queue."""
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    return create_role(client, f"{name}-role", [send])


def test_scheduler_calls_its_target_under_the_targets_role(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    # No queue policy: EventBridge Scheduler has no service principal there, only the role counts.
    url, queue = create_queue(client, unique)
    target = {"Arn": queue, "RoleArn": sender(client, unique, queue), "Input": '{"n": 1}'}
    before = cloud.now() - timedelta(seconds=1)  # it is told in whole seconds
    client("scheduler").create_schedule(
        Name=unique,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    made = client("scheduler").get_schedule(Name=unique)["CreationDate"]
    assert before <= made <= cloud.now()
    assert received_bodies(client, url, 1) == [{"n": 1}]
    client("scheduler").delete_schedule(Name=unique)


def test_a_one_time_schedule_fires_once_and_goes_if_asked(
    cloud: LocalCloud, client: Clients, unique: str
) -> None:
    url, queue = create_queue(client, unique)
    at = cloud.now() + timedelta(minutes=1)
    client("scheduler").create_schedule(
        Name=unique,
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={"Arn": queue, "RoleArn": sender(client, unique, queue)},
    )
    (event,) = received_bodies(client, url, 1)
    assert event["time"] == f"{at:{SECONDS}}"
    assert event["source"] == "aws.scheduler"
    listed = client("scheduler").list_schedules(NamePrefix=unique)["Schedules"]
    assert listed == []


def test_no_schedule_follows_the_clock_of_the_machine(client: Clients, unique: str) -> None:
    # By its own clock the engine looks every ten seconds. Here this moment is long over.
    url, queue = create_queue(client, unique)
    client("scheduler").create_schedule(
        Name=unique,
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue, "RoleArn": sender(client, unique, queue)},
    )
    time.sleep(10.5)
    assert "Messages" not in client("sqs").receive_message(QueueUrl=url)


def test_a_schedule_whose_role_may_not_ends_in_its_dead_letter_queue(
    client: Clients, unique: str
) -> None:
    # Scheduler sends to the dead-letter queue under the same role.
    url, dlq = create_queue(client, f"{unique}-dlq")
    _, closed = create_queue(client, unique)
    target = {
        "Arn": closed,
        "RoleArn": sender(client, unique, dlq),
        "DeadLetterConfig": {"Arn": dlq},
    }
    client("scheduler").create_schedule(
        Name=unique,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    (letter,) = receive(client, url, 1)
    client("scheduler").delete_schedule(Name=unique)
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert json.loads(letter["Body"])["source"] == "aws.scheduler"
