"""What makes `reconcile_target` and `watch_rollout` look: approvals, endpoints, ends, the schedule.

AWS's fields are parsed here and ignored where we do not use them; what an event says is a hint,
the truth is read again from the service. Times are the event's, never the wall clock's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sluice.domain import names
from sluice.domain.release import UNKNOWN, ApprovalChange, ApprovalStatus

_TAKEN_BACK = {ApprovalStatus.REJECTED, ApprovalStatus.PENDING}


@dataclass(frozen=True, slots=True)
class PackageChanged:
    """SageMaker says that a model package changed."""

    package_arn: str
    at: datetime
    told: ApprovalChange | None = None
    """That it was Rejected or set to pending, where that is what the event tells, and when."""


@dataclass(frozen=True, slots=True)
class TargetDue:
    """One target is worth a look: its rollout ended, its endpoint changed, or somebody asks."""

    target: str
    at: datetime
    hint: bool = False
    """Whether the time is the endpoint's: it says that something happened, not how late it is."""


@dataclass(frozen=True, slots=True)
class GroupDue:
    """The schedule's share of one model package group: its approvals, and what they are for."""

    group: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """The schedule: every target is worth a look."""

    at: datetime


type Trigger = PackageChanged | TargetDue | GroupDue | Tick


def _event_time(value: object) -> object:
    """SageMaker documents endpoint events whose `time` is epoch milliseconds, as text."""
    if isinstance(value, str) and value.isdigit():
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    return value


EventTime = Annotated[datetime, BeforeValidator(_event_time)]


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    detail_type: Annotated[str, Field(alias="detail-type")]
    time: EventTime
    detail: dict[str, Any]


class _Package(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    approval: Annotated[str, Field(alias="ModelApprovalStatus")] = ""
    """The current status, whatever the change was."""
    updated: Annotated[tuple[str, ...], Field(alias="UpdatedModelPackageFields")] = ()
    modified: Annotated[EventTime | None, Field(alias="LastModifiedTime")] = None

    def told(self, at: datetime) -> ApprovalChange | None:
        """That the approval is taken back; that it is given, the registry alone can say."""
        taken_back = self.approval in _TAKEN_BACK and "ModelApprovalStatus" in self.updated
        if not (taken_back and self.modified):
            return None
        return ApprovalChange(
            status=ApprovalStatus(self.approval),
            last_modified=self.modified,
            actor=UNKNOWN,
            observed_at=at,
        )


def _told(envelope: _Envelope) -> ApprovalChange | None:
    """What a package's event tells of its approval; one that cannot be read is a hint like any."""
    try:
        return _Package.model_validate(envelope.detail).told(envelope.time)
    except ValueError:
        return None


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    target: str
    at: datetime


class _Surveyed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    group: str
    at: datetime


def parse_triggers(event: dict[str, Any]) -> tuple[Trigger, ...]:
    """What an event asks for, or each message of a batch from a queue. Raises as parse_trigger."""
    if "Records" in event:
        return tuple(parse_trigger(json.loads(record["body"])) for record in event["Records"])
    return (parse_trigger(event),)


def look_at(target: str, *, at: datetime) -> str:
    """The message that asks for a look at one target, as of a time."""
    return _Asked(target=target, at=at).model_dump_json()


def survey_of(group: str, *, at: datetime) -> str:
    """The message that asks for the survey of one model package group, as of a time."""
    return _Surveyed(group=group, at=at).model_dump_json()


def parse_trigger(event: dict[str, Any]) -> Trigger:
    """The trigger in an event. Raises ValueError or KeyError for any other event."""
    if "group" in event:
        due = _Surveyed.model_validate(event)
        return GroupDue(due.group, due.at)
    if "detail-type" not in event:
        asked = _Asked.model_validate(event)
        return TargetDue(asked.target, asked.at)
    envelope = _Envelope.model_validate(event)
    detail = envelope.detail
    match envelope.source, envelope.detail_type:
        case "aws.sagemaker", "SageMaker Model Package State Change":
            return PackageChanged(detail["ModelPackageArn"], envelope.time, _told(envelope))
        case "aws.sagemaker", _:
            return TargetDue(names.target_of(detail["EndpointName"]), envelope.time, hint=True)
        case "aws.states", _:
            return TargetDue(json.loads(detail["input"])["target"], envelope.time)
        case "sluice", _:
            return TargetDue(detail["partner"], envelope.time)
        case "aws.events", _:
            return Tick(envelope.time)
        case _:
            message = f"no trigger of ours: {envelope.source}, {envelope.detail_type}"
            raise ValueError(message)
