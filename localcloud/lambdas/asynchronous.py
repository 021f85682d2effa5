"""Asynchronous invocations: queued, tried again, and given to a destination or a dead-letter queue.

An error of the function is retried twice unless its event invoke config says less, after one
virtual minute and then two; throttling is retried until the event is too old.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import json
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any

from ministack.services import lambda_svc

from localcloud import hooks, workers
from localcloud.clock import clock
from localcloud.constants import ACCOUNT, REGION
from localcloud.lambdas import executor, records
from localcloud.targets import Caller, RefusedError, call, send_to_queue

_DEFAULT_RETRIES = 2
_DEFAULT_AGE_SECONDS = 21_600
_FIRST_THROTTLE_SECONDS = 1.0
_LONGEST_THROTTLE_SECONDS = 300.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class QueuedEvent:
    """One event in a function's queue; every attempt has the same request id."""

    record: dict[str, Any]
    event: Any
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    queued: float = field(default_factory=clock.now)
    invocations: int = 0
    throttles: int = 0

    def attempt(self) -> None:
        """Invoke once, then finish or queue again."""
        if clock.now() - self.queued > self._age_seconds:
            self._fail("EventAgeExceeded", {"body": None})
            return
        with executor.as_request(self.request_id):
            result = lambda_svc._execute_function(self.record, self.event)
        if result.get("throttle"):
            self._after_throttle()
        elif result.get("error"):
            self.invocations += 1
            self._after_error(result)
        else:
            self.invocations += 1
            self._tell("OnSuccess", "Success", result)

    @property
    def _config(self) -> dict[str, Any]:
        return records.config_of(self.record)

    @property
    def _choices(self) -> dict[str, Any]:
        """The function's event invoke config for the qualifier that was invoked.

        None is $LATEST, under either name: SAM configures it by its own.
        """
        base = lambda_svc._functions.get(self._config["FunctionName"]) or {}
        qualifier = records.qualifier_of(self._config)
        names = (qualifier,) if qualifier else (None, "$LATEST")
        found = (lambda_svc._event_invoke_config(base, one) for one in names)
        return next(filter(None, found), {})

    @property
    def _age_seconds(self) -> float:
        return float(self._choices.get("MaximumEventAgeInSeconds") or _DEFAULT_AGE_SECONDS)

    def _after_throttle(self) -> None:
        delay = min(_LONGEST_THROTTLE_SECONDS, _FIRST_THROTTLE_SECONDS * 2**self.throttles)
        self.throttles += 1
        workers.after(delay, self.attempt)

    def _after_error(self, result: dict[str, Any]) -> None:
        retries = self._choices.get("MaximumRetryAttempts", _DEFAULT_RETRIES)
        delay = 60.0 * self.invocations
        if self.invocations > retries:
            self._fail("RetriesExhausted", result)
        elif clock.now() + delay - self.queued > self._age_seconds:
            self._fail("EventAgeExceeded", result)
        else:
            workers.after(delay, self.attempt)

    def _fail(self, condition: str, result: dict[str, Any]) -> None:
        self._tell("OnFailure", condition, result)
        queue = (self._config.get("DeadLetterConfig") or {}).get("TargetArn")
        if queue:
            self._send(queue, json.dumps(self.event), _dead_letter(self.request_id, result))

    def _tell(self, which: str, condition: str, result: dict[str, Any]) -> None:
        destinations = self._choices.get("DestinationConfig") or {}
        arn = (destinations.get(which) or {}).get("Destination")
        if arn:
            self._send(arn, json.dumps(self._record_of(condition, result)), {})

    def _send(self, arn: str, body: str, attributes: dict[str, str]) -> None:
        """Send as the function's role, which needs the permission; a refusal is only a metric."""
        caller = Caller("lambda.amazonaws.com", self._unqualified, self._config["Role"])
        try:
            if ":sqs:" in arn:
                send_to_queue(arn, caller, body, attributes)
            else:
                call({"Arn": arn}, caller, body)
        except RefusedError as refusal:
            _log.warning("%s did not take what %s sent: %s", arn, self._unqualified, refusal)
            executor.publish("DestinationDeliveryFailures", 1.0, "Count", self._config)

    @property
    def _unqualified(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self._config['FunctionName']}"

    def _record_of(self, condition: str, result: dict[str, Any]) -> dict[str, Any]:
        """The invocation record that destinations receive."""
        qualifier = records.qualifier_of(self._config) or "$LATEST"
        response = {"statusCode": 200, "executedVersion": self._config.get("Version", "$LATEST")}
        if result.get("error"):
            response["functionError"] = "Unhandled"
        return {
            "version": "1.0",
            "timestamp": clock.utc().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": f"{self._unqualified}:{qualifier}",
                "condition": condition,
                "approximateInvokeCount": self.invocations,
            },
            "requestPayload": self.event,
            "responseContext": response,
            "responsePayload": result["body"],
        }


def _dead_letter(request_id: str, result: dict[str, Any]) -> dict[str, str]:
    """The message attributes of a dead letter: the event itself is the body."""
    body = result["body"] if isinstance(result["body"], dict) else {}
    message = str(body.get("errorMessage") or "The event is too old")[:1024]
    return {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": message}


def mount() -> None:
    """Replace ministack's retries, which wait real seconds and know one configuration."""
    hooks.require(lambda_svc, "_event_invoke_config", "func", "qualifier")
    hooks.require(lambda_svc, "_execute_function", "func", "event")
    hooks.replace(lambda_svc, "invoke_async_with_retry", "func", "event")(_enqueue)


def _enqueue(func: dict[str, Any], event: Any) -> None:
    workers.submit(QueuedEvent(func, event).attempt)
