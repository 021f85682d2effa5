"""The targets EventBridge calls, each asked as AWS asks: its resource policy, or the role named."""

import functools
import json
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.concurrency import esm_wake
from ministack.core.iam_evaluator import EvalContext
from ministack.services import lambda_svc, sns, sqs

from localcloud import calls, hooks
from localcloud.constants import ACCOUNT, REGION
from localcloud.identity import client_as, role_session

SERVICES = frozenset({"lambda", "sqs", "sns", "states"})


class RefusedError(Exception):
    """The target did not take the event; `retryable` tells whether it may later."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.retryable = code, message, retryable


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: an AWS service for one of its resources, under a role if the target has one."""

    service: str
    source_arn: str
    role_arn: str | None = None


def require() -> None:
    """Declare what is used of ministack's queues, topics and functions."""
    hooks.require(sqs, "_act_send_message", "data", "qurl")
    hooks.require(sqs, "_queue_by_arn", "arn")
    hooks.require(sns, "publish_internal", call=False)
    hooks.require(sns, "topic_policy_allows", call=False)
    hooks.require(lambda_svc, "_get_func_record_for_ref", "function_ref")
    hooks.require(lambda_svc, "_get_base_func_record_for_ref", "function_ref")
    hooks.require(lambda_svc, "invoke_async_with_retry", "func", "event")


def call(target: dict[str, Any], caller: Caller, payload: str) -> None:
    """Hand the payload to the target. Raises RefusedError when it does not take it."""
    arn = target["Arn"]
    match parse_arn(arn).service:
        case "lambda":
            _invoke_function(arn, caller, payload)
        case "sqs":
            group = (target.get("SqsParameters") or {}).get("MessageGroupId")
            send_to_queue(arn, caller, payload, {}, group)
        case "sns":
            _publish(arn, caller, payload)
        case _:
            _start_execution(arn, caller, payload)


def _invoke_function(arn: str, caller: Caller, payload: str) -> None:
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if not record or not config:
        raise RefusedError("RESOURCE_NOT_FOUND", f"Function not found: {arn}")
    base, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
    _ask(caller, "lambda:InvokeFunction", arn, (base or {}).get("policy"))
    named = {**record, "config": {**config, "FunctionArn": arn}}
    lambda_svc.invoke_async_with_retry(named, _event_of(payload))


def _event_of(payload: str) -> Any:
    """A target's input is JSON; a text template's plain text reaches a function as a string."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload


def send_to_queue(
    arn: str, caller: Caller, body: str, attributes: dict[str, str], group: str | None = None
) -> None:
    """Send a message as the caller. Raises RefusedError when the queue is missing or refuses."""
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise RefusedError("RESOURCE_NOT_FOUND", f"The queue {arn} does not exist")
    _ask(caller, "sqs:SendMessage", arn, queue["attributes"].get("Policy"))
    message = {"QueueUrl": queue["url"], "MessageBody": body}
    message["MessageAttributes"] = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
    }
    if group:
        message["MessageGroupId"] = group
    try:
        sqs._act_send_message(message, queue["url"])
    except sqs._Err as error:
        raise RefusedError(error.code, error.message) from error
    esm_wake.set()


def _publish(arn: str, caller: Caller, payload: str) -> None:
    topic = sns._topic_by_arn_any_scope(arn)
    if topic is None:
        raise RefusedError("RESOURCE_NOT_FOUND", f"The topic {arn} does not exist")
    _ask(caller, "sns:Publish", arn, topic.get("attributes", {}).get("Policy"))
    sns.publish_internal(arn, payload, None)


def _start_execution(arn: str, caller: Caller, payload: str) -> None:
    """Start as the target's role, through the gateway, which asks IAM as for any caller."""
    if caller.role_arn is None:
        raise RefusedError("NO_PERMISSIONS", f"The target {arn} has no role")
    role_session(caller.role_arn, "events")
    try:
        _workflows(caller.role_arn).start_execution(stateMachineArn=arn, input=payload)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        throttled = code in {"ThrottlingException", "ExecutionLimitExceeded", "InternalError"}
        raise RefusedError(code, str(error), retryable=throttled) from error


@functools.cache
def _workflows(role_arn: str) -> Any:
    """A Step Functions client with the role's keys, which are the same for every session of it."""
    config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
    return client_as(role_session(role_arn, "events"), "stepfunctions", config)


def _ask(caller: Caller, action: str, arn: str, policy: Any) -> None:
    """Ask the role when there is one, the resource's own policy otherwise."""
    allowed = _role_may if caller.role_arn else _policy_lets
    if not allowed(caller, action, arn, policy):
        message = f"{caller.service} may not {action} {arn} for {caller.source_arn}"
        raise RefusedError("NO_PERMISSIONS", message)


def _role_may(caller: Caller, action: str, arn: str, _: Any) -> bool:
    key = role_session(str(caller.role_arn), "events")["aws_access_key_id"]
    decide = iam_evaluator.enforce
    return decide(key, action, action.partition(":")[0], REGION, resource_arn=arn) is None


def _policy_lets(caller: Caller, action: str, arn: str, policy: Any) -> bool:
    """Whether the resource's policy names the service, with the rule as aws:SourceArn."""
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=arn,
        region=REGION,
        service_context={"aws:sourcearn": caller.source_arn, "aws:sourceaccount": ACCOUNT},
    )
    verdict = iam_evaluator.evaluate_resource_policy(policy, context, service=caller.service)
    allowed = bool(verdict.decision == "Allow")
    calls.write(caller.service, action, arn, allowed=allowed)
    return allowed
