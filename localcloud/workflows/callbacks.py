"""Task tokens: issued for every attempt at a `.waitForTaskToken` task, and good for one answer.

What the API reference of SendTaskSuccess says decides the errors: a string that is no token is
`InvalidToken`, a token of no known task is `TaskDoesNotExist`, and one that "has either expired or
the task associated with the token has already been closed" is `TaskTimedOut`.
"""

import base64
import binascii
import json
import secrets
import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callback_service,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
    HeartbeatTimedOut,
    HeartbeatTimeoutError,
)

from localcloud import hooks
from localcloud.clock import clock
from localcloud.workflows.error_names import HeartbeatErrorName
from localcloud.workflows.refusals import RefusedError
from localcloud.workflows.timing import wait_until

_MARK = b"\x00\x00\x00\x2a\x00\x00\x00\x02"
_RANDOM_BYTES = 400


class Ticket:
    """One issued token: open until its answer, its time limit or the end of its execution."""

    def __init__(self, token: str, machine_arn: str) -> None:
        self.token = token
        self.machine_arn = machine_arn
        self.news = threading.Event()
        self._lock = threading.Lock()
        self._open = True
        self._outcome: Any = None
        self.beaten = clock.now()

    def answer(self, outcome: Any) -> None:
        """Take the one answer. Raises RefusedError when the task is closed."""
        with self._lock:
            self._must_be_open()
            self._open, self._outcome = False, outcome
        self.news.set()

    def beat(self) -> None:
        """Take a heartbeat. Raises RefusedError when the task is closed."""
        with self._lock:
            self._must_be_open()
            self.beaten = clock.now()

    def close(self) -> Any:
        """Take no answer any more; return the one that came first, if any."""
        with self._lock:
            self._open = False
            return self._outcome

    def _must_be_open(self) -> None:
        if not self._open:
            raise RefusedError(
                "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"
            )


_tickets: dict[str, Ticket] = {}


def issue(env: Any) -> None:
    """Give the attempt that begins in `env` a token of its own, `$states.context.Task.Token`."""
    context = env.states.context_object.context_object_data
    machine_arn: str = context["StateMachine"]["Id"]
    content = _MARK + secrets.token_bytes(_RANDOM_BYTES) + machine_arn.encode()
    token = base64.b64encode(content).decode()
    _tickets[token] = Ticket(token, machine_arn)
    env.callback_pool_manager.add(token)
    context["Task"] = {"Token": token}


def close(env: Any) -> None:
    """The attempt in `env` is over: its token is not good any more."""
    task = env.states.context_object.context_object_data.get("Task")
    ticket = _tickets.get(task["Token"]) if task else None
    if ticket is not None:
        ticket.close()


def ticket_of(token: str) -> Ticket:
    """The ticket a caller means. Raises RefusedError for what is no token, or none of ours."""
    ticket = _tickets.get(token)
    if ticket is not None:
        return ticket
    if _content(token).startswith(_MARK):
        raise RefusedError("TaskDoesNotExist", "Task does not exist")
    raise RefusedError("InvalidToken", "Invalid Token: 'Invalid token'")


def machine_of(token: str) -> str:
    """The ARN of the state machine that a token belongs to, or `*` when it is none of ours.

    The token itself says so: it may have been issued before the local cloud was killed.
    """
    content = _content(token)
    if not content.startswith(_MARK):
        return "*"
    return content[len(_MARK) + _RANDOM_BYTES :].decode() or "*"


def _content(token: str) -> bytes:
    try:
        return base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return b""


def send_success(request: dict[str, Any]) -> dict[str, Any]:
    """SendTaskSuccess."""
    try:
        json.loads(request["output"])
    except ValueError as error:
        raise RefusedError("InvalidOutput", f"Invalid Output: '{error}'") from error
    token = request["taskToken"]
    ticket_of(token).answer(CallbackOutcomeSuccess(callback_id=token, output=request["output"]))
    return {}


def send_failure(request: dict[str, Any]) -> dict[str, Any]:
    """SendTaskFailure."""
    token = request["taskToken"]
    outcome = CallbackOutcomeFailure(
        callback_id=token, error=request.get("error"), cause=request.get("cause")
    )
    ticket_of(token).answer(outcome)
    return {}


def send_heartbeat(request: dict[str, Any]) -> dict[str, Any]:
    """SendTaskHeartbeat."""
    ticket_of(request["taskToken"]).beat()
    return {}


def mount() -> None:
    """Let tasks wait for their tickets."""
    hooks.replace(
        callback_service.StateTaskServiceCallback,
        "_eval_wait_for_task_token",
        "self",
        "env",
        "timeout_seconds",
        "callback_endpoint",
        "heartbeat_endpoint",
    )(_wait_for_answer)
    hooks.wrap(StateTask, "_from_error", "self", "env", "ex")(_name_error)


def _wait_for_answer(
    self: Any, env: Any, timeout_seconds: float, callback_endpoint: Any, heartbeat_endpoint: Any
) -> Any:
    """Wait on the virtual clock for the answer, the time limit or the last heartbeat allowed."""
    del self
    ticket = _tickets[callback_endpoint.callback_id]
    silence = heartbeat_endpoint._heartbeat_seconds if heartbeat_endpoint else None
    deadline = clock.now() + timeout_seconds
    ticket.beaten = clock.now()
    while env.is_running() and not ticket.news.is_set() and clock.now() < deadline:
        until = deadline if silence is None else min(deadline, ticket.beaten + silence)
        if silence is not None and clock.now() >= ticket.beaten + silence:
            return ticket.close() or HeartbeatTimedOut()
        wait_until(ticket.news, env, until - clock.now())
    return ticket.close() or CallbackOutcomeTimedOut(callback_id=ticket.token)


def _name_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    event = original(self, env, ex)
    if isinstance(ex, HeartbeatTimeoutError):
        event.error_name = HeartbeatErrorName()
    return event
