"""SQS event source mappings: they poll with the function's role, and gather for a window.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
"""

import threading
import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.clock import clock
from localcloud.constants import REGION
from localcloud.lambdas import records

_NEEDED = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def mount() -> None:
    """Ask IAM where ministack polls as itself."""
    hooks.require(lambda_svc, "_get_func_record_for_ref", "function_ref")
    hooks.require(lambda_svc, "_esm_wake", call=False)
    hooks.wrap(lambda_svc, "_create_esm", "data")(_create)
    hooks.wrap(lambda_svc, "_sqs_esm_concurrency", "esm", "func_rec", "config", "queue")(_batches)


def _create(original: Any, data: dict[str, Any]) -> Any:
    """CreateEventSourceMapping is refused while the role lacks a permission."""
    arn = data.get("EventSourceArn", "")
    _, config, _ = lambda_svc._get_func_record_for_ref(data.get("FunctionName", ""))
    missing = _missing(config, arn) if config and ":sqs:" in arn else None
    if missing is None:
        return original(data)
    message = (
        "The provided execution role does not have permissions to call "
        f"{missing.removeprefix('sqs:')} on SQS"
    )
    return error_response_json("InvalidParameterValueException", message, 400)


def _batches(
    original: Any,
    esm: dict[str, Any],
    func_rec: dict[str, Any],
    config: dict[str, Any],
    queue: dict[str, Any] | None = None,
) -> int:
    """How many batches may be in flight: none while one gathers, or the role may not poll."""
    if queue and queue["messages"]:
        missing = _seconds_to_gather(esm, queue["messages"])
        if missing > 0:
            _wake_in(missing)
            return 0
        if _missing(config, esm["EventSourceArn"]):
            return 0
    return int(original(esm, func_rec, config, queue))


def _seconds_to_gather(esm: dict[str, Any], messages: list[dict[str, Any]]) -> float:
    """For how much longer the batch may grow, on the machine's clock, which is the queue's."""
    now = time.time()
    there = [one["visible_at"] for one in messages if one["visible_at"] <= now]
    if not there or len(there) >= esm["BatchSize"]:
        return 0.0
    window = clock.real_seconds(esm.get("MaximumBatchingWindowInSeconds") or 0)
    oldest: float = min(there)
    return oldest + window - now


def _wake_in(seconds: float) -> None:
    waker = threading.Timer(seconds, lambda_svc._esm_wake.set)
    waker.daemon = True
    waker.start()


def _missing(config: dict[str, Any], queue_arn: str) -> str | None:
    """The first permission on the queue that the function's role lacks."""
    key = records.execution_key_of(config)
    decide = iam_evaluator.enforce
    for action in _NEEDED:
        if decide(key, action, "sqs", REGION, resource_arn=queue_arn) is not None:
            return action
    return None
