"""When an alarm mute rule's windows are open.

AWS: AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html
Model: cloudwatch.PutAlarmMuteRule
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.alarms.mute_windows import Windows, windows_of
from localcloud.alarms.requests import InvalidError

SUNDAY = datetime(2026, 5, 3, 2, 0, tzinfo=UTC)


def windows(expression: str, duration: str = "PT4H", **more: Any) -> Windows:
    zone = {"Timezone": more.pop("zone")} if "zone" in more else {}
    schedule = {"Expression": expression, "Duration": duration, **zone}
    return windows_of({"Rule": {"Schedule": schedule}, **more})


def is_open(found: Windows, moment: datetime) -> bool:
    return found.at(moment.timestamp()) is not None


@pytest.mark.parametrize(
    ("minutes", "opened"), [(-1, False), (0, True), (239, True), (240, False), (24 * 60, True)]
)
def test_a_daily_window_is_open_for_its_duration(minutes: int, *, opened: bool) -> None:
    assert is_open(windows("cron(0 2 * * *)"), SUNDAY + timedelta(minutes=minutes)) is opened


def test_a_weekly_window_is_open_on_its_day() -> None:
    found = windows("cron(0 2 * * SUN)")

    assert is_open(found, SUNDAY + timedelta(hours=1))
    assert not is_open(found, SUNDAY + timedelta(days=1, hours=1))


def test_a_window_opens_by_the_clock_of_its_time_zone() -> None:
    found = windows("at(2026-05-03T02:00)", zone="Asia/Tokyo")

    assert is_open(found, SUNDAY - timedelta(hours=9))
    assert not is_open(found, SUNDAY)


def test_one_window_opens_once() -> None:
    found = windows("at(2026-05-03T02:00)", "P1DT1H30M")

    assert found.once
    assert not found.over((SUNDAY - timedelta(hours=1)).timestamp())
    assert is_open(found, SUNDAY + timedelta(days=1, minutes=89))
    assert found.over((SUNDAY + timedelta(days=1, minutes=90)).timestamp())


def test_no_window_is_open_before_the_rule_starts_or_after_it_expires() -> None:
    starts = SUNDAY + timedelta(days=1)
    found = windows(
        "cron(0 2 * * *)",
        StartDate=starts.timestamp(),
        ExpireDate=(starts + timedelta(days=1)).timestamp(),
    )

    assert not is_open(found, SUNDAY + timedelta(hours=1))
    assert is_open(found, starts + timedelta(hours=1))
    assert not is_open(found, starts + timedelta(days=1, hours=1))


def test_windows_that_overlap_are_the_one_opened_last() -> None:
    found = windows("cron(0 * * * *)", "PT3H").at((SUNDAY + timedelta(minutes=30)).timestamp())

    assert found
    assert found.start == SUNDAY.timestamp()


@pytest.mark.parametrize("duration", ["PT0M", "P16D", "4 hours", "", "P"])
def test_a_duration_is_from_a_minute_to_fifteen_days(duration: str) -> None:
    with pytest.raises(InvalidError):
        windows("cron(0 2 * * *)", duration)
