"""S3's `Object Created` events, as EventBridge hands them to the queue.

S3 keys stand in them as they are, not percent-encoded. Who may send them is the queue policy's and
the rule's business; what they say is checked again here, and read again from S3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sluice.domain.inbox import Upload
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.registration import ended

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


class _Event(_Part):
    source: Literal["aws.s3"]
    detail_type: Annotated[Literal["Object Created"], Field(alias="detail-type")]
    account: str
    region: str
    time: datetime
    detail: _Detail


def parse_upload(record: SQSRecord, origin: Origin) -> Upload | Receipt:
    """The upload that a message tells of; the receipt of one that tells of nothing of ours."""
    try:
        event = _Event.model_validate_json(record.body)
    except ValidationError as error:
        return _unreadable(record, error)
    upload = Upload(
        bucket=event.detail.bucket.name,
        key=event.detail.object.key,
        version_id=event.detail.object.version_id,
        sequencer=event.detail.object.sequencer,
        at=event.time,
    )
    if Origin(event.account, event.region, upload.bucket) != origin:
        return _foreign(event, upload)
    return upload


def _foreign(event: _Event, upload: Upload) -> Receipt:
    """Under an identity of its own: a forged event must not end the input that it imitates."""
    detail = f"from {event.account}, {event.region}, bucket {upload.bucket}"
    refusal = Refusal(reason=Reason.FOREIGN_EVENT, detail=detail)
    name = f"foreign/{event.account}/{event.region}/{upload.identity}"
    return ended(name, refusal, at=upload.at)


def _unreadable(record: SQSRecord, error: ValidationError) -> Receipt:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    detail = f"{'.'.join(map(str, first['loc'])) or 'event'}: {first['msg']}"
    refusal = Refusal(reason=Reason.UNREADABLE_EVENT, detail=detail)
    sent = int(record.attributes.sent_timestamp or 0) / 1000
    at = datetime.fromtimestamp(sent, UTC)
    return ended(f"message/{record.message_id}", refusal, at=at)
