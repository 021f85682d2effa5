"""What EventBridge and its Scheduler do once an event matched: call the target, retry, give up.

Unless the target says less, EventBridge retries for 24 hours and up to 185 times; a missing target
or permission is not retried at all. What is given up goes to the target's dead-letter queue.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
"""

import json
import logging
import random
from dataclasses import dataclass, field, replace
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import eventbridge

from localcloud import hooks, misdeliveries, targets, workers
from localcloud.clock import clock
from localcloud.misdeliveries import Passage
from localcloud.targets import Caller, RefusedError

_EVENTS = "events.amazonaws.com"
_DEFAULT_ATTEMPTS = 185
_DEFAULT_AGE_SECONDS = 86_400
_FIRST_DELAY_SECONDS = 2.0
_LONGEST_DELAY_SECONDS = 600.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Delivery:
    """One event on its way to one target."""

    target: dict[str, Any]
    caller: Caller
    payload: str
    event: str
    began: float = field(default_factory=clock.now)
    retries: int = 0

    def attempt(self) -> None:
        """Call the target once; on a refusal come back later or give up."""
        try:
            targets.call(self.target, self.caller, self.payload)
        except RefusedError as refusal:
            self._retry_or_give_up(refusal)

    def _retry_or_give_up(self, refusal: RefusedError) -> None:
        policy = self.target.get("RetryPolicy") or {}
        most = int(policy.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS))
        age = float(policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_SECONDS))
        delay = _delay(self.retries)
        if not refusal.retryable:
            self._give_up(refusal, None)
        elif self.retries >= most:
            self._give_up(refusal, "MaximumRetryAttempts")
        elif clock.now() + delay - self.began > age:
            self._give_up(refusal, "MaximumEventAgeInSeconds")
        else:
            self.retries += 1
            workers.after(delay, self.attempt)

    def _give_up(self, refusal: RefusedError, exhausted: str | None) -> None:
        """Send the event to the target's dead-letter queue, if it has one that lets us."""
        queue = (self.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        attributes = {
            "RULE_ARN": self.caller.source_arn,
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": refusal.code,
            "ERROR_MESSAGE": refusal.message,
            "RETRY_ATTEMPTS": str(self.retries),
        }
        if exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        try:
            targets.send_to_queue(queue, self._undertaker, self.event, attributes)
        except RefusedError as refused:
            _log.warning("the dead-letter queue %s refused an event: %s", queue, refused)

    @property
    def _undertaker(self) -> Caller:
        """Who sends to the dead-letter queue: a rule as the service, a schedule under its role."""
        as_service = self.caller.service == _EVENTS
        return replace(self.caller, role_arn=None) if as_service else self.caller


def _delay(retries: int) -> float:
    """Exponential backoff with jitter, in virtual seconds."""
    longest = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2**retries)
    return float(longest * random.uniform(0.5, 1.0))


def mount() -> None:
    """Take deliveries over from ministack, which neither retries nor asks resource policies."""
    targets.require()
    hooks.require(eventbridge, "_apply_input_transformer", "transformer", "rule", "view")
    hooks.require(eventbridge, "_pattern_event_view", "event")
    hooks.wrap(eventbridge, "_invoke_target", "target", "event", "rule", "view")(_invoke_target)
    workers.start()


def stop() -> None:
    """Drop what waits for a retry."""
    workers.stop()


def _invoke_target(
    original: Any,
    target: dict[str, Any],
    event: dict[str, Any],
    rule: dict[str, Any],
    view: Any = None,
) -> None:
    """Start to deliver a matched event; other buses and API destinations stay ministack's."""
    if parse_arn(target["Arn"]).service not in targets.SERVICES:
        original(target, event, rule, view)
        return
    first = _delivery(target, rule, view or eventbridge._pattern_event_view(event))
    source, detail_type = event["Source"], event["DetailType"]
    passage = Passage(source, detail_type, rule["Arn"], target["Arn"], first.event)
    for leg in misdeliveries.legs(passage):
        begin(_sent_again(target, event, rule) if leg.fresh_id else replace(first), leg.seconds)


def _delivery(target: dict[str, Any], rule: dict[str, Any], view: Any) -> Delivery:
    whole = json.dumps(view.event_with_detail())
    caller = Caller(_EVENTS, rule["Arn"], target.get("RoleArn"))
    return Delivery(target, caller, _input_of(target, rule, view, whole), whole)


def _sent_again(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any]) -> Delivery:
    """The same event under another id."""
    again = {**event, "EventId": misdeliveries.another_id(event["EventId"])}
    return _delivery(target, rule, eventbridge._pattern_event_view(again))


def begin(delivery: Delivery, seconds: float) -> None:
    """Make the first attempt at once, or after so many virtual seconds."""
    if seconds:
        workers.after(seconds, delivery.attempt)
    else:
        workers.submit(delivery.attempt)


def _input_of(target: dict[str, Any], rule: dict[str, Any], view: Any, whole: str) -> str:
    """What the target gets: a constant, a part of the event, a filled template, or all of it."""
    if target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(target["InputTransformer"], rule, view))
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(_at_path(view.event_with_detail(), target["InputPath"]))
    return whole


def _at_path(event: Any, path: str) -> Any:
    for step in path.removeprefix("$").split("."):
        if step:
            event = event[step]
    return event
