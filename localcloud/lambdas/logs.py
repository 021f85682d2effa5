"""What functions print, in CloudWatch Logs: a stream per environment, written under its role.

Lines in the embedded metric format become metrics, as CloudWatch makes them. Both are stamped with
virtual time: a function's own clock is real, and alarms would look for its metrics at another time.
"""

import json
import threading
import uuid
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import cloudwatch, cloudwatch_logs

from localcloud import hooks
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION

_lock = threading.Lock()


def require() -> None:
    """Declare what is used of ministack's CloudWatch."""
    hooks.require(cloudwatch_logs, "_append_log_events", "stream", "events")
    hooks.require(cloudwatch_logs, "_make_group_arn", call=False)
    hooks.require(cloudwatch_logs, "_log_groups", call=False)
    hooks.require(
        cloudwatch, "record_metric", "namespace", "metric_name", "value", "unit", "dimensions"
    )


def new_stream_name(version: str) -> str:
    """A log stream's name in Lambda's form: date, version and a unique part."""
    return f"{clock.utc():%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def write(group: str, stream: str, text: str, access_key_id: str) -> None:
    """Append lines as the holder of the key; without the permission they are lost, as on AWS."""
    now = int(clock.now() * 1000)
    lines = _lines(text)
    events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
    with _lock:
        target = _stream(group, stream, now, access_key_id)
        if target is not None:
            cloudwatch_logs._append_log_events(target, events)
    if target is not None:
        for line in lines:
            _publish_embedded_metrics(line)


def _lines(text: str) -> list[str]:
    """Log events; inside one, the runtime's own line breaks are carriage returns."""
    return [line.replace("\r", "\n") for line in text.split("\n") if line]


def _stream(group: str, stream: str, now: int, access_key_id: str) -> dict[str, Any] | None:
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    if group not in cloudwatch_logs._log_groups:
        if not _may(access_key_id, "logs:CreateLogGroup", arn):
            return None
        cloudwatch_logs._log_groups[group] = _new_group(group, now)
    streams = cloudwatch_logs._log_groups[group]["streams"]
    if stream not in streams:
        if not _may(access_key_id, "logs:CreateLogStream", f"{arn}:log-stream:{stream}"):
            return None
        streams[stream] = _new_stream(now)
    if not _may(access_key_id, "logs:PutLogEvents", f"{arn}:log-stream:{stream}"):
        return None
    found: dict[str, Any] = streams[stream]
    return found


def _may(access_key_id: str, action: str, resource_arn: str) -> bool:
    decide = iam_evaluator.enforce
    return decide(access_key_id, action, "logs", REGION, resource_arn=resource_arn) is None


def _new_group(name: str, now: int) -> dict[str, Any]:
    return {
        "arn": cloudwatch_logs._make_group_arn(name),
        "creationTime": now,
        "retentionInDays": None,
        "tags": {},
        "subscriptionFilters": {},
        "streams": {},
    }


def _new_stream(now: int) -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": now,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }


def _publish_embedded_metrics(line: str) -> None:
    """Publish the metrics of one line, when it is a document in the embedded metric format."""
    if '"CloudWatchMetrics"' not in line:
        return
    try:
        document = json.loads(line)
    except ValueError:
        return
    for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document.get(name, "")) for name in names}
            for metric in directive.get("Metrics", []):
                _publish(directive["Namespace"], metric, document, dimensions)


def _publish(
    namespace: str, metric: dict[str, str], document: dict[str, Any], dimensions: dict[str, str]
) -> None:
    values = document.get(metric["Name"], [])
    for value in values if isinstance(values, list) else [values]:
        unit = metric.get("Unit", "None")
        cloudwatch.record_metric(namespace, metric["Name"], float(value), unit, dimensions)
