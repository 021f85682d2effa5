"""Which permission a call takes, where ministack asks for another.

Of Lambda's calls about one alias it asks for those about all of a function's.
A batch call of SQS takes the permission of the single one: there is no `sqs:SendMessageBatch`.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
"""

import re
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
_ONE_ALIAS = re.compile(r"/2015-03-31/functions/[^/]+/aliases/[^/]+")
_OF_ONE_ALIAS = {
    "GET": "lambda:GetAlias",
    "PUT": "lambda:UpdateAlias",
    "DELETE": "lambda:DeleteAlias",
}


def mount() -> None:
    """Ask for the permission that AWS asks for."""

    @hooks.wrap(iam_actions, "extract_iam_action", *REQUEST)
    def extract(original: Any, *args: Any, **kwargs: Any) -> str | None:
        asked = {**dict(zip(REQUEST, args, strict=False)), **kwargs}
        if asked["service"] == "lambda" and _ONE_ALIAS.fullmatch(asked["path"]):
            return _OF_ONE_ALIAS.get(asked["method"])
        action: str | None = original(*args, **kwargs)
        return _SINGLE.get(action or "", action)


def stop() -> None:
    """Nothing runs here."""
