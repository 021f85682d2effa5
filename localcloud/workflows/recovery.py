"""State machines and executions after a restart.

An interpreter that was killed cannot go on: what ran is ABORTED, and says so to EventBridge. What
had ended is told as it was; tokens that were given out are closed.
"""

import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.models import StateMachine

from localcloud import hooks
from localcloud.clock import clock
from localcloud.durability.stores import Entry, Flat, Runs, Store
from localcloud.workflows import callbacks, executions
from localcloud.workflows.status_events import announce

_CAUSE = "The service was interrupted while the execution ran."
_EVENTS_IN_A_RUN = 50
_NOT_OF_A_MACHINE = ("backend", "executions", "versions", "aliases", "latest_version")


@dataclass(slots=True)
class PastExecution:
    """An execution of the process before, with the attributes that the engine's have."""

    exec_arn: str
    state_machine_arn: str
    name: str
    status: str
    start_date: datetime
    stop_date: datetime | None
    execution_input: str
    output: Any
    error: str | None
    cause: str | None
    state_machine: Any
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exec_worker(self) -> Any:
        """Where the history is read from."""
        manager = SimpleNamespace(
            get_event_history=lambda: copy.deepcopy(self.events), _history_event_list=self.events
        )
        return SimpleNamespace(env=SimpleNamespace(event_manager=manager))

    def stop(self, *_: Any) -> None:
        """It has ended: StopExecution leaves it as it is."""


class Executions:
    """The executions as a store: plain facts, and the definition each one started with."""

    name = "localcloud.workflows.recovery:executions"
    exact = True
    has_blobs = True

    def entries(self) -> Iterator[Entry]:
        """Every execution's facts; they change when its status does."""
        for arn, one in list(executions._executions.items()):
            yield (arn,), _facts(one), (one, str(one.status) == "RUNNING")

    def recent(self) -> None:
        """Any of them may have changed."""

    def rank(self, _key: Any) -> int:
        """They do not depend on each other."""
        return 0

    def put(self, key: Any, value: dict[str, Any]) -> None:
        """Know an execution of the process before."""
        owner = SimpleNamespace(**value.pop("machine"))
        owner.definition = owner.definition.decode()
        executions._executions[key[0]] = PastExecution(state_machine=owner, **value)
        executions._closed[key[0]] = threading.Event()
        executions._closed[key[0]].set()


class Machines:
    """The engine's state machines as a store. Their versions and aliases are not kept."""

    name = "localcloud.workflows.recovery:machines"
    exact = False
    has_blobs = False

    def entries(self) -> Iterator[Entry]:
        """Every machine's attributes."""
        for machine in list(executions.backend().state_machines):
            kept = {k: v for k, v in vars(machine).items() if k not in _NOT_OF_A_MACHINE}
            yield (machine.arn,), kept, None

    def recent(self) -> None:
        """Any of them may have changed."""

    def rank(self, _key: Any) -> int:
        """They do not depend on each other."""
        return 0

    def put(self, _key: Any, value: dict[str, Any]) -> None:
        """Make the machine anew, with its own times."""
        machine = StateMachine(
            value["arn"], value["name"], value["definition"], value["roleArn"], executions.backend()
        )
        vars(machine).update(value)
        executions.backend().state_machines.append(machine)


class Tickets:
    """Task tokens as a store: which machine each one belongs to."""

    name = "localcloud.workflows.recovery:tickets"
    exact = True
    has_blobs = False

    def entries(self) -> Iterator[Entry]:
        """Every token that was given out."""
        for token, ticket in list(callbacks._tickets.items()):
            yield (token,), ticket.machine_arn, (ticket,)

    def recent(self) -> None:
        """Any of them may have changed."""

    def rank(self, _key: Any) -> int:
        """They do not depend on each other."""
        return 0

    def put(self, key: Any, value: str) -> None:
        """Know the token, and that nobody waits for it."""
        ticket = callbacks.Ticket(key[0], value)
        ticket.close()
        callbacks._tickets[key[0]] = ticket


def stores() -> list[Store]:
    """What is kept of Step Functions, in the order in which it is put back."""
    histories = Runs(
        "localcloud.workflows.recovery:histories",
        _histories,
        lambda arn: executions._executions[arn].events,
        run_of=lambda position, _: position // _EVENTS_IN_A_RUN,
    )
    tags = Flat("localcloud.workflows.recovery:tags", lambda: executions.backend().tagger.tags)
    return [Machines(), tags, Executions(), Tickets(), histories]


def require() -> None:
    """Declare what is read of the engine."""
    hooks.require(
        StateMachine,
        "__init__",
        *("self", "arn", "name", "definition", "roleArn", "backend"),
        *("encryptionConfiguration", "loggingConfiguration", "tracingConfiguration", "sm_type"),
    )


def abort_what_ran() -> None:
    """Close, oldest first, what was running when the process before ended."""
    known = executions._executions
    by_age = sorted(known.items(), key=lambda item: item[1].start_date)
    known.clear()
    known.update(by_age)
    for one in [one for _, one in by_age if one.status == "RUNNING"]:
        one.status, one.stop_date, one.cause = "ABORTED", clock.utc(), _CAUSE
        one.events.append(_aborted(one))
        announce(one)


def _aborted(execution: PastExecution) -> dict[str, Any]:
    return {
        "id": len(execution.events) + 1,
        "previousEventId": len(execution.events),
        "timestamp": execution.stop_date.isoformat() if execution.stop_date else "",
        "type": "ExecutionAborted",
        "executionAbortedEventDetails": {"cause": execution.cause},
    }


def _facts(one: Any) -> dict[str, Any]:
    owner = one.state_machine
    return {
        "exec_arn": one.exec_arn,
        "state_machine_arn": one.state_machine_arn,
        "name": one.name,
        "status": str(one.status),
        "start_date": one.start_date,
        "stop_date": one.stop_date,
        "execution_input": one.execution_input,
        "output": one.output,
        "error": one.error,
        "cause": one.cause,
        "machine": {
            "arn": owner.arn,
            "name": owner.name,
            "definition": owner.definition.encode(),  # bytes are kept once for all executions
            "roleArn": owner.roleArn,
            "update_date": owner.update_date,
            "loggingConfiguration": owner.loggingConfiguration,
            "tracingConfiguration": owner.tracingConfiguration,
        },
    }


def _histories() -> Iterator[tuple[Any, list[Any]]]:
    for arn, one in list(executions._executions.items()):
        env = one.exec_worker.env if one.exec_worker else None
        if env is not None:
            yield arn, env.event_manager._history_event_list
