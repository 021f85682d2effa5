"""EventBridge's default bus: events of AWS services, on virtual time, twice on request."""

import json
import random
import threading
import uuid
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from localcloud import control, hooks
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Which events are delivered twice: a share of those whose source begins so.

    With `fresh_ids` the second has an id of its own, as when a service sends an event again;
    without, it is the same event delivered again.
    """

    rate: float = 0.0
    source: str = ""
    fresh_ids: bool = False


_lock = threading.Lock()
_duplicates = Duplicates()


def emit(source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Publish an event as an AWS service does: only services may use sources that begin `aws.`."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    with request_scope(ACCOUNT, REGION):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def mount() -> None:
    """Put events on virtual time and let them be delivered more than once."""
    hooks.require(eventbridge, "_put_events", "data", "allow_aws_source")
    hooks.replace(eventbridge, "_now_ts")(clock.now)
    hooks.wrap(eventbridge, "_dispatch_event", "event", "view")(_dispatch)
    control.route("duplicates")(_set_duplicates)


def stop() -> None:
    """Nothing runs here."""


def _dispatch(original: Any, event: dict[str, Any], view: Any = None) -> None:
    """EventBridge delivers at least once: sometimes twice."""
    original(event, view)
    chosen = _duplicates
    if event["Source"].startswith(chosen.source) and random.random() < chosen.rate:
        again = {**event, "EventId": str(uuid.uuid4())} if chosen.fresh_ids else event
        original(again)


def _set_duplicates(body: dict[str, Any] | None) -> dict[str, Any]:
    """Tell, and with a body set, which events are delivered twice."""
    global _duplicates  # noqa: PLW0603
    with _lock:
        if body is not None:
            _duplicates = Duplicates(**body)
    return {name: getattr(_duplicates, name) for name in Duplicates.__slots__}
