"""Schedules on the virtual clock: of rules, and of EventBridge Scheduler.

Each occurrence is fired once, stamped with the time it was due; when the clock jumps over several,
the last one counts, as after a pause of the service.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.core.responses import request_scope
from ministack.services import eventbridge, scheduler

from localcloud import hooks, misdeliveries
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.delivery import Delivery, begin
from localcloud.misdeliveries import Passage
from localcloud.targets import Caller

_TICK_SECONDS = 0.05  # real; three virtual seconds at sixty times
_log = logging.getLogger(__name__)
_stopping = threading.Event()


@dataclass(frozen=True, slots=True)
class Schedule:
    """One expression that is enabled, since when, and what to do at each occurrence."""

    name: str
    expression: str
    created: float
    timezone: str
    fire: Callable[[float], None]


class Timetable:
    """When each schedule is due next; a changed expression starts anew."""

    def __init__(self) -> None:
        self.due: dict[tuple[str, str], float | None] = {}

    def take_due(self, schedules: list[Schedule], now: float) -> list[tuple[Schedule, float]]:
        """The schedules that are due, each with its time; those not named are forgotten."""
        known, found_due = self.due, {}
        found = []
        for schedule in schedules:
            key = (schedule.name, schedule.expression)
            due = known[key] if key in known else next_time(schedule, schedule.created)
            last = None
            while due is not None and due <= now:
                last, due = due, next_time(schedule, due)
            found_due[key] = due
            if last is not None:
                found.append((schedule, last))
        self.due = found_due
        return found


timetable = Timetable()


def next_time(schedule: Schedule, after: float) -> float | None:
    """The first occurrence later than `after`, None when there is none."""
    once = scheduler._at_time_epoch(schedule.expression)
    if once is not None:
        return float(once) if once > after else None
    rate = eventbridge._parse_rate_seconds(schedule.expression)
    if rate is not None:
        return after + float(rate)
    fields = eventbridge._parse_cron_fields(schedule.expression)
    if fields is None:
        return None
    local = datetime.fromtimestamp(after, ZoneInfo(schedule.timezone))
    found = eventbridge._cron_next_fire(fields, local)
    return None if found is None else found.timestamp()


def mount() -> None:
    """Take over from both of ministack's schedulers, which look every ten real seconds."""
    hooks.require(scheduler, "_at_time_epoch", "expr")
    hooks.require(eventbridge, "_parse_rate_seconds", "expr")
    hooks.require(eventbridge, "_parse_cron_fields", "expr")
    hooks.require(eventbridge, "_cron_next_fire", "fields", "after_dt")
    hooks.require(eventbridge, "_rules", call=False)
    hooks.require(scheduler, "_schedules", call=False)
    hooks.replace(eventbridge, "start_scheduler")(_start)
    hooks.replace(scheduler, "start_scheduler")(lambda: None)
    hooks.replace(scheduler, "_now")(clock.now)


def stop() -> None:
    """Fire nothing any more."""
    _stopping.set()


def _start() -> None:
    threading.Thread(target=_run, name="localcloud-schedules", daemon=True).start()


def _run() -> None:
    while not _stopping.wait(_TICK_SECONDS):
        with request_scope(ACCOUNT, REGION):
            due_soon = [schedule for source in sources for schedule in source()]
            for schedule, due in timetable.take_due(due_soon, clock.now()):
                _fire(schedule, due)


def _fire(schedule: Schedule, due: float) -> None:
    try:
        schedule.fire(due)
    except Exception:
        _log.exception("%s could not be fired", schedule.name)


def _rules() -> Iterator[Schedule]:
    for key, rule in list(eventbridge._rules.items()):
        if rule.get("State") == "ENABLED" and rule.get("ScheduleExpression"):
            created = float(rule.get("CreationTime", clock.now()))
            expression = rule["ScheduleExpression"]
            yield Schedule(rule["Arn"], expression, created, "UTC", _rule_firer(key, rule))


def _rule_firer(key: str, rule: dict[str, Any]) -> Callable[[float], None]:
    def fire(due: float) -> None:
        event = {
            "EventId": str(uuid.uuid4()),
            "Source": "aws.events",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "EventBusName": rule.get("EventBusName", "default"),
            "Time": int(due),
            "Resources": [rule["Arn"]],
            "Account": ACCOUNT,
            "Region": REGION,
        }
        for target in eventbridge._targets.get(key, []):
            eventbridge._invoke_target(target, event, rule)

    return fire


def _schedules() -> Iterator[Schedule]:
    now = clock.now()
    for key, found in list(scheduler._schedules.items()):
        begins = scheduler._to_epoch(found.get("StartDate")) or 0.0
        ends = scheduler._to_epoch(found.get("EndDate")) or now
        if found.get("State") == "ENABLED" and begins <= now <= ends:
            zone = found.get("ScheduleExpressionTimezone") or "UTC"
            created = max(float(found["CreationDate"]), begins)
            firer = _schedule_firer(key, found)
            yield Schedule(found["Arn"], found["ScheduleExpression"], created, zone, firer)


def _schedule_firer(key: str, schedule: dict[str, Any]) -> Callable[[float], None]:
    """Scheduler calls under the target's role and passes its input, or an event of its own."""
    target, arn = schedule["Target"], schedule["Arn"]
    caller = Caller("scheduler.amazonaws.com", schedule["Arn"], target["RoleArn"])

    def fire(due: float) -> None:
        event = _scheduled_event(schedule["Arn"], due)
        payload = target.get("Input") or event
        passage = Passage("aws.scheduler", "Scheduled Event", arn, target["Arn"], payload)
        for leg in misdeliveries.legs(passage):
            begin(Delivery(target, caller, payload, event), leg.seconds)
        once = scheduler._at_time_epoch(schedule["ScheduleExpression"]) is not None
        if once and schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules.pop(key, None)

    return fire


def _scheduled_event(arn: str, due: float) -> str:
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [arn],
        "detail": "{}",
    }
    return json.dumps(event)


sources: list[Callable[[], Iterable[Schedule]]] = [_rules, _schedules]
"""Whose schedules there are; services with some of their own add themselves."""
