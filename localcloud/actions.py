"""Calls whose permission has another name than theirs, where ministack asks for the call's.

A batch call of SQS takes the permission of the single one: there is no `sqs:SendMessageBatch`.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
"""

from typing import Any

from ministack.core import iam_actions

from localcloud import hooks

REQUEST = ("service", "method", "path", "headers", "body", "query_params")
RESOURCE_PARAMETERS = (*REQUEST, "region", "account_id")
"""What ministack is asked with for the resource that a call is about."""
_SINGLE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def mount() -> None:
    """Ask for the permission that AWS asks for."""

    @hooks.wrap(iam_actions, "extract_iam_action", *REQUEST)
    def extract(original: Any, *args: Any, **kwargs: Any) -> str | None:
        action: str | None = original(*args, **kwargs)
        return _SINGLE.get(action or "", action)


def stop() -> None:
    """Nothing runs here."""
