"""A CloudWatch alarm's state change, whatever its kind.

Only composite-safe fields are read: composite and log alarms carry neither metrics nor dimensions,
so what an alarm watches is looked up in the ledger by its ARN.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sluice.domain.alarm import Firing


class _State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    value: str
    reason: str = ""
    timestamp: datetime


class _Previous(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    value: str = ""


class _Detail(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    alarm_name: Annotated[str, Field(alias="alarmName")]
    state: _State
    previous: Annotated[_Previous | None, Field(alias="previousState")] = None
    mute_detail: Annotated[dict[str, Any] | None, Field(alias="muteDetail")] = None


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    resources: Annotated[tuple[str, ...], Field(min_length=1)]
    time: datetime
    detail: _Detail


def parse_alarm(event: dict[str, Any]) -> tuple[str, Firing]:
    """The alarm's ARN and what fired. Raises pydantic.ValidationError for any other event."""
    parsed = _Event.model_validate(event)
    detail = parsed.detail
    firing = Firing(
        name=detail.alarm_name,
        reason=detail.state.reason,
        at=parsed.time,
        muted=detail.mute_detail is not None,
        after_ok=detail.previous is not None and detail.previous.value == "OK",
    )
    return parsed.resources[0], firing
