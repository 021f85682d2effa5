"""When an alarm mute rule mutes: its schedule's windows (PutAlarmMuteRule, `Schedule`).

`at(yyyy-MM-ddThh:mm)` opens one window, `cron(minute hour day month weekday)` one at each
occurrence; every window is as long as the duration says.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localcloud.alarms.requests import InvalidError
from localcloud.schedules import Schedule, next_time

_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=15)
_CRON = re.compile(r"cron\((?P<fields>\S+ \S+ \S+ \S+ \S+)\)")
_AT = re.compile(r"at\((?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d)\)")


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when alarms are muted, in seconds since the epoch."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of one rule."""

    expression: str
    length: float
    zone: ZoneInfo
    begins: float
    """No window opens before."""
    ends: float | None
    """None is open any more from then on."""

    def at(self, now: float) -> Window | None:
        """The window that is open now."""
        if self.ends is not None and now >= self.ends:
            return None
        start = self._next(max(now - self.length, self.begins - 1))
        while start is not None and start <= now:
            following = self._next(start)
            if following is None or following > now:
                return Window(start, start + self.length)
            start = following
        return None

    def over(self, now: float) -> bool:
        """Whether no window is open, nor will be."""
        if self.ends is not None and now >= self.ends:
            return True
        return self.at(now) is None and self._next(now) is None

    @property
    def once(self) -> bool:
        """Whether there is but one window."""
        return bool(_AT.fullmatch(self.expression))

    def _next(self, after: float) -> float | None:
        found = _AT.fullmatch(self.expression)
        if found:
            moment = datetime.fromisoformat(found["moment"]).replace(tzinfo=self.zone).timestamp()
            return moment if moment > after else None
        schedule = Schedule("mute", _six_fields(self.expression), 0, str(self.zone), _never)
        return next_time(schedule, after)


def windows_of(request: dict[str, Any]) -> Windows:
    """The windows that PutAlarmMuteRule asks for. Raises InvalidError."""
    schedule = request["Rule"]["Schedule"]
    expression = schedule["Expression"]
    if not _AT.fullmatch(expression) and not _CRON.fullmatch(expression):
        raise InvalidError(f"Schedule expression {expression} is not valid.")
    try:
        zone = ZoneInfo(schedule.get("Timezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidError(f"Timezone {schedule['Timezone']} is not valid.") from error
    return Windows(
        expression=expression,
        length=_seconds(schedule["Duration"]),
        zone=zone,
        begins=float(request.get("StartDate") or 0),
        ends=float(request["ExpireDate"]) if request.get("ExpireDate") else None,
    )


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    parts = found.groupdict(default="0") if found else {}
    length = timedelta(**{unit: int(count) for unit, count in parts.items()})
    if not _SHORTEST <= length <= _LONGEST:
        raise InvalidError(f"Duration {text} must be from PT1M to P15D.")
    return length.total_seconds()


def _six_fields(expression: str) -> str:
    """The five fields as EventBridge's cron, which has a year and wants one day field open."""
    found = _CRON.fullmatch(expression)
    assert found  # noqa: S101 - windows_of has looked
    minute, hour, day, month, weekday = found["fields"].split()
    if weekday == "*":
        weekday = "?"
    elif day == "*":
        day = "?"
    else:
        raise InvalidError("The local cloud takes a day of the month or of the week, not both.")
    return f"cron({minute} {hour} {day} {month} {weekday} *)"


def _never(due: float) -> None:
    del due
