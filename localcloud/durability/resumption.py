"""After a restart: the clock goes on, and so does everything that was under way.

Runs once the gateway answers, because endpoints fetch their artifacts through it; only then is the
local cloud healthy.
"""

import time
from collections.abc import Callable

from ministack.core.responses import request_scope
from ministack.services import cloudformation, lambda_svc, sqs

from localcloud.constants import ACCOUNT, REGION
from localcloud.sagemaker import recovery as sagemaker_recovery
from localcloud.workflows import recovery as workflow_recovery

_INTERRUPTED = "The local cloud ended while the operation was under way"


def resume(pending: Callable[[], None]) -> None:
    """Set going again what the process before had acknowledged and not finished."""
    _return_messages()
    _fail_stacks()
    _make_functions_ready()
    sagemaker_recovery.resume()
    pending()
    workflow_recovery.abort_what_ran()
    if lambda_svc._esms.has_any():
        lambda_svc._ensure_poller()


def _make_functions_ready() -> None:
    """A function that was being made or changed is ready a moment later."""
    with request_scope(ACCOUNT, REGION):
        for name in list(lambda_svc._functions):
            lambda_svc._schedule_state_transition(name, 0.0)


def _return_messages() -> None:
    """Messages that were being handled are visible again: their consumers are gone."""
    now = time.time()
    for queue in sqs._queues._data.values():
        for message in queue["messages"]:
            if message.get("receive_count"):
                message["visible_at"] = min(message["visible_at"], now)


def _fail_stacks() -> None:
    """A stack operation that was cut short has failed; it can be done again, or deleted."""
    for stack in cloudformation._stacks._data.values():
        verb, progress, _ = stack["StackStatus"].partition("_IN_PROGRESS")
        if progress:
            stack["StackStatus"] = f"{verb.partition('_')[0]}_FAILED"
            stack["StackStatusReason"] = _INTERRUPTED
