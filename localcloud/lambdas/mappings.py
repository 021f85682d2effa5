"""SQS event source mappings poll with the function's role, when they are made and ever after.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.constants import REGION
from localcloud.lambdas import records

_NEEDED = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def mount() -> None:
    """Ask IAM where ministack polls as itself."""
    hooks.require(lambda_svc, "_get_func_record_for_ref", "function_ref")
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
    """How many batches may be in flight: none while the role may not poll."""
    if queue and queue["messages"] and _missing(config, esm["EventSourceArn"]):
        return 0
    return int(original(esm, func_rec, config, queue))


def _missing(config: dict[str, Any], queue_arn: str) -> str | None:
    """The first permission on the queue that the function's role lacks."""
    key = records.execution_key_of(config)
    decide = iam_evaluator.enforce
    for action in _NEEDED:
        if decide(key, action, "sqs", REGION, resource_arn=queue_arn) is not None:
            return action
    return None
