"""Error names as a state machine's `Retry` and `Catch` see them.

Direct AWS SDK integrations carry the names of the Java SDK 2: `{Service}.{Exception}Exception`, and
for an error that the service's model does not have, access denied among them,
`{Service}.{Service}Exception`. The optimized integrations carry those of the Java SDK 1
(`DynamoDB.AmazonDynamoDBException`, `Lambda.AWSLambdaException`).
"""

import functools
import json
import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_dynamodb,
    state_task_service_lambda,
)

from localcloud import hooks

StateTaskServiceAwsSdk = state_task_service_aws_sdk.StateTaskServiceAwsSdk
StateTaskServiceDynamoDB = state_task_service_dynamodb.StateTaskServiceDynamoDB
StateTaskServiceLambda = state_task_service_lambda.StateTaskServiceLambda
_TIMEOUTS = {"States.Timeout", "States.HeartbeatTimeout"}
_NEVER_CAUGHT = {"States.DataLimitExceeded", "States.Runtime"}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_LAMBDA_UNKNOWN = "Lambda.Unknown"


class HeartbeatErrorName(StatesErrorName):  # type: ignore[misc]
    """A missed heartbeat: `States.Timeout`, matched by `States.HeartbeatTimeout` as well."""

    def __init__(self) -> None:
        super().__init__(typ=StatesErrorNameType.StatesTimeout)

    def matches(self, error_name: str | None) -> bool:
        """Whether `Retry` or `Catch` may mean this error by `error_name`."""
        return error_name in _TIMEOUTS


@functools.cache
def sdk_service(boto_service: str) -> str:
    """The Java SDK 2's name of a service: `DynamoDb`, `SageMaker`, `Sfn`, `CloudWatchLogs`."""
    loader = Loader()
    model = loader.load_service_model(boto_service, "service-2")
    words = _WORD.findall(model["metadata"]["serviceId"])
    return "".join(word[0].upper() + word[1:].lower() for word in words)


def sdk_error(service: str, error: ClientError) -> str:
    """The error name of a failed direct SDK call; `error`'s class tells if the model has it."""
    modelled = type(error) is not ClientError
    name = type(error).__name__ if modelled else service
    return f"{service}.{name.removesuffix('Exception')}Exception"


def mount() -> None:
    """Replace how the engine names and matches errors."""
    hooks.replace(CustomErrorName, "__init__", "self", "error_name")(ErrorName.__init__)
    hooks.replace(ErrorEqualsDecl, "_eval_body", "self", "env")(_matches)
    hooks.wrap(StateTaskServiceAwsSdk, "_from_error", "self", "env", "ex")(_from_sdk_error)
    hooks.wrap(StateTaskServiceLambda, "_from_error", "self", "env", "ex")(_from_lambda_error)
    hooks.wrap(StateTaskServiceDynamoDB, "_from_error", "self", "env", "ex")(_from_dynamodb_error)


def _matches(self: Any, env: Any) -> None:
    """`States.ALL` spares data limits and runtime errors, `States.TaskFailed` also timeouts."""
    error = env.stack.pop()
    name = error.error_name if error is not None else None
    wanted = [candidate.error_name for candidate in self.error_names]
    catchable = name not in _NEVER_CAUGHT
    env.stack.append(
        ("States.ALL" in wanted and catchable)
        or ("States.TaskFailed" in wanted and catchable and name not in _TIMEOUTS)
        or (error is not None and any(error.matches(candidate) for candidate in wanted))
    )


def _from_sdk_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if isinstance(ex, ClientError):
        service = sdk_service(self._get_boto_service_name())
        return _task_failed(self, env, sdk_error(service, ex), _cause(service, ex))
    if isinstance(ex, BotoCoreError) and not _is_bad_request(ex):
        service = sdk_service(self._get_boto_service_name())
        return _task_failed(self, env, f"{service}.SdkClientException", str(ex))
    return original(self, env, ex)


def _from_lambda_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if isinstance(ex, lambda_eval_utils.LambdaFunctionErrorException):
        return _task_failed(self, env, _function_error(ex.payload), ex.payload)
    return _optimized(original, self, env, ex, names=("Lambda", "AWSLambda", "AWSLambda"))


def _from_dynamodb_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if not isinstance(ex, ClientError | BotoCoreError):
        return super(StateTaskServiceDynamoDB, self)._from_error(env=env, ex=ex)
    return _optimized(
        original, self, env, ex, names=("DynamoDB", "AmazonDynamoDB", "AmazonDynamoDBv2")
    )


def _optimized(
    original: Any, self: Any, env: Any, ex: Exception, *, names: tuple[str, str, str]
) -> Any:
    """An error of an optimized integration; `names`: prefix, general exception, service."""
    prefix, general, service = names
    if isinstance(ex, ClientError):
        code = ex.response["Error"]["Code"]
        name = code if type(ex) is not ClientError else f"{general}Exception"
        return _task_failed(self, env, f"{prefix}.{name}", _cause_of_sdk_1(service, ex))
    if isinstance(ex, BotoCoreError) and not _is_bad_request(ex):
        return _task_failed(self, env, f"{prefix}.SdkClientException", str(ex))
    return original(self, env, ex)


def _is_bad_request(error: BotoCoreError) -> bool:
    """Whether the state's own arguments are at fault, which the service calls `States.Runtime`."""
    return type(error).__name__ == "ParamValidationError"


def _function_error(payload: str) -> str:
    try:
        return str(json.loads(payload)["errorType"])
    except (KeyError, TypeError, ValueError):
        return _LAMBDA_UNKNOWN


def _cause(service: str, error: ClientError) -> str:
    metadata = error.response["ResponseMetadata"]
    details = f"Status Code: {metadata['HTTPStatusCode']}, Request ID: {metadata['RequestId']}"
    return f"{error.response['Error']['Message']} (Service: {service}, {details})"


def _cause_of_sdk_1(service: str, error: ClientError) -> str:
    metadata, told = error.response["ResponseMetadata"], error.response["Error"]
    details = f"Status Code: {metadata['HTTPStatusCode']}; Error Code: {told['Code']}"
    return (
        f"{told['Message']} (Service: {service}; {details}; Request ID: {metadata['RequestId']}; "
        "Proxy: null)"
    )


def _task_failed(self: Any, env: Any, error: str, cause: str) -> FailureEvent:
    details = {
        "error": error,
        "cause": cause,
        "resource": self._get_sfn_resource(),
        "resourceType": self._get_sfn_resource_type(),
    }
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=HistoryEventType.TaskFailed,
        event_details={"taskFailedEventDetails": details},
    )
