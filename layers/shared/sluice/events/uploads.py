"""What comes through the queue of uploads: S3's `Object Created` events, the schedule, our own.

S3 keys stand in the events as they are, not percent-encoded. Who may send them is the queue
policy's and the rules' business; what they say is checked again here, and read again from S3. Our
own messages offer an object: one whose event was lost, or one whose capture takes another turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from sluice.domain.inbox import Upload
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import ended
from sluice.domain.trail import Trail
from sluice.events.trails import DETAIL_TYPE, CallRecorded
from sluice.events.triggers import Tick

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from sluice.domain.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the events we act on come from."""

    account: str
    region: str
    bucket: str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Bucket(_Part):
    name: str


class _Object(_Part):
    key: Annotated[str, Field(min_length=1)]
    version_id: Annotated[str, Field(alias="version-id")] = ""
    sequencer: Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Fa-f]*$")] = ""


class _Detail(_Part):
    bucket: _Bucket
    object: _Object
    request_id: Annotated[str, Field(alias="request-id", max_length=64)] = ""


class _Event(_Part):
    source: Literal["aws.s3"]
    detail_type: Annotated[Literal["Object Created"], Field(alias="detail-type")]
    account: str
    region: str
    time: datetime
    detail: _Detail


class _Schedule(_Part):
    source: Literal["aws.events"]
    time: datetime


class _Offer(_Part):
    source: Literal["sluice"]
    detail: Upload


def _sender(message: Any) -> str:
    if isinstance(message, dict) and message.get("detail-type") == DETAIL_TYPE:
        return "cloudtrail"
    known = {"aws.events", "sluice"}
    source = message.get("source") if isinstance(message, dict) else ""
    return source if isinstance(source, str) and source in known else "aws.s3"


type _Message = Annotated[
    Annotated[_Event, Tag("aws.s3")]
    | Annotated[_Schedule, Tag("aws.events")]
    | Annotated[_Offer, Tag("sluice")]
    | Annotated[CallRecorded, Tag("cloudtrail")],
    Discriminator(_sender),
]
_message: TypeAdapter[_Event | _Schedule | _Offer | CallRecorded] = TypeAdapter(_Message)

type Arrival = Upload | Receipt | Tick | Trail


def offer_of(upload: Upload) -> str:
    """The message that offers an object to the queue of uploads."""
    return _Offer(source="sluice", detail=upload).model_dump_json()


def parse_arrival(record: SQSRecord, origin: Origin) -> Arrival:
    """What a message tells of; the receipt of one that tells of nothing of ours."""
    try:
        message = _message.validate_json(record.body)
    except ValidationError as error:
        return _unreadable(record, error)
    match message:
        case _Schedule():
            return Tick(message.time)
        case _Offer():
            return message.detail
        case CallRecorded():
            return _trail(message, origin)
        case _Event():
            return _upload(message, origin)


def _upload(event: _Event, origin: Origin) -> Upload | Receipt:
    upload = Upload(
        bucket=event.detail.bucket.name,
        key=event.detail.object.key,
        version_id=event.detail.object.version_id,
        sequencer=event.detail.object.sequencer,
        at=event.time,
        request_id=event.detail.request_id,
    )
    if Origin(event.account, event.region, upload.bucket) != origin:
        return _foreign(event, upload.bucket, upload.identity, at=upload.at)
    return upload


def _trail(event: CallRecorded, origin: Origin) -> Trail | Receipt:
    trail = event.trail
    if Origin(event.account, event.region, trail.bucket or origin.bucket) != origin:
        return _foreign(event, trail.bucket, f"trail/{trail.event_id}", at=trail.at)
    return trail


def _foreign(event: _Event | CallRecorded, bucket: str, identity: str, *, at: datetime) -> Receipt:
    """Under an identity of its own: a forged event must not end the input that it imitates."""
    detail = f"from {event.account}, {event.region}, bucket {bucket or 'none'}"
    refusal = Refusal(reason=Reason.FOREIGN_EVENT, detail=detail)
    return ended(f"foreign/{event.account}/{event.region}/{identity}", refusal, at=at)


def _unreadable(record: SQSRecord, error: ValidationError) -> Receipt:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    detail = f"{'.'.join(map(str, first['loc'])) or 'event'}: {first['msg']}"
    refusal = Refusal(reason=Reason.UNREADABLE_EVENT, detail=detail)
    sent = int(record.attributes.sent_timestamp or 0) / 1000
    at = datetime.fromtimestamp(sent, UTC)
    return ended(f"message/{record.message_id}", refusal, at=at)
