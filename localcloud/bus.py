"""EventBridge's default bus: events of AWS services, on virtual time."""

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from localcloud import hooks
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION


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
    """Put events on virtual time."""
    hooks.require(eventbridge, "_put_events", "data", "allow_aws_source")
    hooks.replace(eventbridge, "_now_ts")(clock.now)


def stop() -> None:
    """Nothing runs here."""
