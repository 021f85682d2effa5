"""S3 where ministack falls short: its events and times, conditional copies, fast checksums."""

import contextvars
import json
import secrets
import uuid
from http import HTTPStatus
from typing import Any

from awscrt import checksums
from ministack.core import iam_evaluator
from ministack.services import eventbridge, s3

from localcloud import hooks, trails
from localcloud.clock import clock

# The version an event is about: ministack knows it where it fires, and leaves it out of the event.
_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("version", default=None)
_CHECKSUM_HEADERS = (
    "x-amz-sdk-checksum-algorithm",
    *(f"x-amz-checksum-{name}" for name in ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")),
)
_FIRE = (
    "bucket_name",
    "key",
    "event_name",
    "size",
    "etag",
    "deletion_type",
    "restore_event_data",
    "version_id",
    "sequencer",
    "object_extra",
    "record_extra",
)


def mount() -> None:
    """Declare the hooks of this module."""
    hooks.require(s3, "_check_put_preconditions", "headers", "existing_obj")
    hooks.require(s3, "_ensure_bucket", call=False)
    hooks.replace(s3, "now_iso")(_now)
    hooks.replace(s3, "_crc64nvme", "body")(checksums.crc64nvme)
    hooks.replace(s3, "_crc32c", "body")(checksums.crc32c)
    hooks.wrap(s3, "_put_object", "bucket_name", "key", "body", "headers")(_put_with_checksum)
    hooks.wrap(s3, "_copy_object", "bucket_name", "dest_key", "headers")(_copy_if_allowed)
    hooks.wrap(s3, "_fire_s3_event", *_FIRE)(_fire)
    hooks.wrap(eventbridge, "_dispatch_event", "event", "view")(_dispatch)


def stop() -> None:
    """Nothing runs here."""


def _now() -> str:
    """LastModified, and all else that S3 stamps, is of virtual time like its events."""
    return clock.utc().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _copy_if_allowed(original: Any, bucket_name: str, dest_key: str, headers: Any) -> Any:
    """CopyObject honours If-None-Match and If-Match on its destination, like PutObject.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    bucket = s3._ensure_bucket(bucket_name) or {}
    refused = s3._check_put_preconditions(headers, bucket.get("objects", {}).get(dest_key))
    return refused or original(bucket_name, dest_key, headers)


def _put_with_checksum(
    original: Any, bucket_name: str, key: str, body: bytes, headers: dict[str, str]
) -> Any:
    """PutObject keeps a checksum of every object, CRC64NVME unless asked for another, and says it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    if not any(name in headers for name in _CHECKSUM_HEADERS):
        headers = {**headers, "x-amz-sdk-checksum-algorithm": "CRC64NVME"}
    status, answered, content = original(bucket_name, key, body, headers)
    if status == HTTPStatus.OK:
        found = s3._ensure_bucket(bucket_name)["objects"][key].get("checksums") or {}
        answered |= {f"x-amz-checksum-{name.lower()}": value for name, value in found.items()}
        answered["x-amz-checksum-type"] = "FULL_OBJECT"
    return status, answered, content


def _fire(original: Any, *args: Any, **kwargs: Any) -> None:
    token = _version.set(kwargs.get("version_id"))
    try:
        original(*args, **kwargs)
    finally:
        _version.reset(token)


def _dispatch(original: Any, event: dict[str, Any], view: Any = None) -> None:
    if event.get("Source") != "aws.s3" or event["DetailType"] == trails.DETAIL_TYPE:
        original(event, view)
        return
    published = _as_published(event)
    original(published, None)
    if event["DetailType"] == "Object Created":
        trails.object_written(json.loads(published["Detail"]), iam_evaluator.caller_arn())


def _as_published(event: dict[str, Any]) -> dict[str, Any]:
    """The event as S3 sends it: with the version, its own id, virtual time and today's version.

    The version is absent on a bucket that is not versioned.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    detail = json.loads(event["Detail"])
    detail["event-version"] = "1.2"
    detail["request-id"] = secrets.token_hex(8).upper()
    detail["object"]["sequencer"] = detail["object"]["sequencer"].lower()
    version = _version.get()
    if version and version != "null":
        detail["object"]["version-id"] = version
    return {
        **event,
        "EventId": str(uuid.uuid4()),
        "Time": int(clock.now()),
        "Detail": json.dumps(detail),
    }
