"""What a call of Lambda is about, as IAM sees it: with the version or alias that it names.

"The permission applies only when requests are made using the qualified ARN": one for the function
alone does not reach its aliases.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
"""

from typing import Any

from ministack.core import iam_actions
from ministack.services import lambda_svc

from localcloud import hooks
from localcloud.actions import RESOURCE_PARAMETERS

_OF_A_QUALIFIER = ("/invocations", "/configuration")


def mount() -> None:
    """Add the qualifier that stands in the query."""
    hooks.require(lambda_svc, "_qp_first", "query_params", "key", "default")
    hooks.wrap(iam_actions, "extract_resource_arn", *RESOURCE_PARAMETERS)(_resource_arn)


def _resource_arn(original: Any, *request: Any) -> str:
    arn: str = original(*request)
    service, method, path, _headers, _body, query, *_ = request
    if service != "lambda" or not _may_be_of_one(method, path):
        return arn
    qualifier = lambda_svc._qp_first(query or {}, "Qualifier")
    named = arn.partition(":function:")[2]
    return f"{arn}:{qualifier}" if qualifier and named and ":" not in named else arn


def _may_be_of_one(method: str, path: str) -> bool:
    """Whether the call is an invocation or tells of a function."""
    of_function = path.rstrip("/").rpartition("/")[0].endswith("/functions")
    return path.endswith(_OF_A_QUALIFIER) or (method == "GET" and of_function)
