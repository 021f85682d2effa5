"""Alarms of every kind, as CloudWatch publishes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from sluice.events.alarms import parse_alarm
from tests.builders import ACCOUNT, REGION, an_event

PREFIX = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"


@pytest.mark.parametrize(
    ("event", "name", "reason", "muted"),
    [
        pytest.param(
            "cloudwatch_alarm_single_metric",
            "sluice-churn-v4-e5-errors",
            "Threshold Crossed: 2 out of the last 2",
            False,
            id="of one metric",
        ),
        pytest.param(
            "cloudwatch_alarm_metric_math",
            "sluice-churn-v4-e5-model-errors",
            "Threshold Crossed: 1 out of the last 1",
            False,
            id="of metric math",
        ),
        pytest.param(
            "cloudwatch_alarm_composite",
            "sluice-churn-v4-e5-any",
            f"{PREFIX}sluice-churn-v4-e5-errors transitioned to ALARM",
            False,
            id="composite: neither metrics nor dimensions",
        ),
        pytest.param(
            "cloudwatch_alarm_muted",
            "sluice-churn-v4-e5-errors",
            "Threshold Crossed",
            True,
            id="in a maintenance window",
        ),
    ],
)
def test_an_alarm_is_known_by_its_arn(event: str, name: str, reason: str, muted: bool) -> None:
    arn, firing = parse_alarm(an_event(event))

    assert arn == f"{PREFIX}{name}"
    assert (firing.name, firing.muted) == (name, muted)
    assert firing.reason.startswith(reason)
    assert firing.at == datetime(2026, 5, 3, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param({"resources": []}, id="its ARN"),
        pytest.param({"detail": {}}, id="its detail"),
        pytest.param({"time": "soon"}, id="its time"),
    ],
)
def test_an_event_that_lacks_something_is_no_alarm(missing: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        parse_alarm(an_event("cloudwatch_alarm_single_metric") | missing)
