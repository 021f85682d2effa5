"""Executions of one state machine as values, and the Step Functions calls that concern them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.integration.machine.refusal import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from tests.integration.machine.clock import Clock

type Request = dict[str, Any]


@dataclass
class Execution:
    """One execution: the state it is in, its variables, and what it waits for."""

    name: str
    clock: Clock
    given: str
    """Its input, as it was sent."""
    state: str
    entered: datetime
    input_value: Any
    status: str = "RUNNING"
    variables: dict[str, Any] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    """How often each retrier of the state has retried."""
    ready_at: datetime | None = None
    token: str = ""
    tokens: int = 0
    parked: bool = False
    deadline: datetime | None = None
    reply: str | None = None
    output: Any = None
    path: list[str] = field(default_factory=list)
    told: bool = False
    """Whether the event of its end is on its way."""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status == "RUNNING"

    @property
    def ready(self) -> bool:
        """Whether its state can be carried out now."""
        if not self.running or (self.ready_at and self.ready_at > self.clock.now):
            return False
        return not self.parked or self.reply is not None

    def begin(self, *, waits: bool) -> None:
        """The state's task begins; where it waits it has a token of its own from now on."""
        self.ready_at, self.reply = None, None
        if waits:
            self.tokens += 1
            self.token, self.parked = f"{self.name}/{self.state}/{self.tokens}", True

    def taken_up(self) -> Any:
        """The task's result; whoever sent it cannot send another."""
        result = json.loads(self.reply or "null")
        self.give_up_token()
        return result

    def give_up_token(self) -> None:
        """Nobody waits on the token any more."""
        self.token, self.parked, self.reply, self.deadline = "", False, None, None

    def enter(self, state: str, given: Any, assigned: dict[str, Any]) -> None:
        """The next state, with what was assigned on the way."""
        self.path.append(self.state)
        self.variables = {**self.variables, **assigned}
        self.state, self.entered, self.input_value = state, self.clock.now, given
        self.attempts, self.ready_at = {}, None

    def end(self, status: str, output: Any) -> None:
        """It is over."""
        self.path.append(self.state)
        self.give_up_token()
        self.status, self.output = status, output


@dataclass
class FakeStepFunctions:
    """Every execution there was, by name."""

    clock: Clock
    executions: dict[str, Execution] = field(default_factory=dict)
    start_at: str = "Begin"

    def start_execution(self, asked: Request) -> Request:
        """Idempotent while it runs with the same input; a name is never used again."""
        name, given = asked["name"], asked["input"]
        known = self.executions.get(name)
        if known and (known.status != "RUNNING" or known.given != given):
            raise RefusedError("ExecutionAlreadyExists", f"Execution Already Exists: '{name}'")
        if known is None:
            self.executions[name] = Execution(
                name, self.clock, given, self.start_at, self.clock.now, json.loads(given)
            )
        return {"executionArn": f"{asked['stateMachineArn']}:{name}", "startDate": self.clock.now}

    def describe_execution(self, asked: Request) -> Request:
        """Its status."""
        one = self._existing(asked)
        return {
            "name": one.name,
            "status": one.status,
            "input": one.given,
            "startDate": self.clock.now,
        }

    def stop_execution(self, asked: Request) -> Request:
        """It ends where it stands; nothing of it runs any more, and no state cleans up."""
        one = self._existing(asked)
        if one.running:
            one.end("ABORTED", None)
        return {"stopDate": self.clock.now}

    def send_task_success(self, asked: Request) -> Request:
        """A token that nobody waits on any more has timed out; one that never was is invalid."""
        name, _, _ = asked["taskToken"].partition("/")
        one = self.executions.get(name)
        if one is None:
            raise RefusedError("InvalidToken", "Invalid token")
        if one.token != asked["taskToken"] or one.reply is not None:
            raise RefusedError("TaskTimedOut", "Provided task does not exist anymore")
        one.reply = asked["output"]
        return {}

    def _existing(self, asked: Request) -> Execution:
        name = asked["executionArn"].rpartition(":")[2]
        if name not in self.executions:
            raise RefusedError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{name}'")
        return self.executions[name]
