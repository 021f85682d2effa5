"""The world around one target: what is due next, and what a test may do in between.

`step` does the one thing that comes next: an invocation that is due, an execution's state, or,
when nothing is, the clock moves to what comes first: a retry, a timeout, the end of an endpoint's
update, a schedule's tick. The rules that bring events to functions are the template's.
"""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.builders import a_package_arn
from tests.integration.faults import Crash
from tests.integration.machine.account import Invocation
from tests.integration.machine.driver import Driver
from tests.integration.machine.events import (
    alarm_event,
    ended_event,
    endpoint_event,
    our_event,
    package_event,
    tick_event,
)
from tests.integration.machine.looking import RECONCILE_SECONDS, Looking, next_round

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, SimpleNamespace

    from tests.integration.machine.executions import Execution

WATCH_SECONDS = 60
_OF_PARTNERS = {"ReleasePromoted", "ReleaseRolledBack", "RollbackFailed", "TargetHalted"}
"""Of our own events, what brings `reconcile_target` to the target of a partner."""
RETRIES = (60, 120)
"""Seconds before Lambda tries a failed asynchronous invocation again."""
LONGEST = timedelta(hours=12)
"""What does not come to rest by then never will."""


@dataclass
class World(Looking):
    """One account, the machine and the functions."""

    function: Callable[[str], ModuleType]
    client: Callable[[str], Any]
    context: SimpleNamespace
    after_step: Callable[[World], None] = lambda _world: None
    skew: Callable[[datetime], datetime] = lambda moment: moment
    """What an event's sender takes the time to be."""
    hears: Callable[[str, dict[str, Any]], bool] = lambda _function, _event: True
    """Whether an event arrives at all; schedules always do."""
    acting: str = ""
    """The execution whose task is being carried out."""
    driver: Driver = field(init=False)

    def __post_init__(self) -> None:
        """The machine calls functions as the account's other services do."""
        self.driver = Driver(self._task, self.client)

    # What people and services do.

    def decide(self, version: int, status: str, *, by: str = "alice", group: str = "churn") -> None:
        """A person approves or rejects a package in the console."""
        self.account.registry.decide(a_package_arn(version, group), status, by=by)
        self._spread()

    def fire(self, variant: str, *, state: str = "ALARM", muted: bool = False) -> dict[str, Any]:
        """The variant's first alarm goes into this state; the event of it, delivered to nobody."""
        alarm = self.alarm_of(variant)
        alarm.state, alarm.spoken = state, True
        if muted:
            self.account.cloudwatch.muted.add(alarm.name)
        return alarm_event(alarm.arn, state, self.skew(self.account.clock.now), muted=muted)

    def stop(self, name: str) -> None:
        """Somebody stops the execution; Step Functions tells of it."""
        self.account.states.stop_execution({"executionArn": f":{name}"})
        self._spread()

    def deliver(self, function: str, event: dict[str, Any]) -> Any:
        """Invoke a function with an event, now."""
        self.account.delivered.append((function, event))
        return self.call(function, event)

    def send(self, function: str, event: dict[str, Any]) -> None:
        """Bring an event on its way to a function."""
        if self.hears(function, event):
            self.account.pending.append(Invocation(function, event, self.account.clock.now))

    def call(self, function: str, event: Any) -> Any:
        """Invoke a function as Lambda would: JSON in, JSON out."""
        by, self.wire.by = self.wire.by, function
        try:
            with warnings.catch_warnings():
                # A handler that raises has no metrics to publish; Powertools warns of that, too.
                warnings.filterwarnings("ignore", "No application metrics")
                handler = self.function(function).lambda_handler
                return json.loads(json.dumps(handler(json.loads(json.dumps(event)), self.context)))
        finally:
            self.wire.by = by
            self._spread()

    # Time.

    def step(self) -> str:
        """Do the one thing that comes next; what it was, in words."""
        done = self._step()
        self._spread()
        self.after_step(self)
        return done

    def run(self, until: Callable[[World], bool], *, steps: int = 5000) -> None:
        """Step until it is so. Raises TimeoutError if it never is."""
        begun = self.account.clock.now
        for _ in range(steps):
            if until(self):
                return
            self.step()
            if self.account.clock.now - begun > LONGEST:
                break
        message = f"still not so at {self.account.clock.now}: {self.state.phase} {self.events()}"
        raise TimeoutError(message)

    def tick(self) -> None:
        """The five-minute schedule has its turn now."""
        event = tick_event(self.account.clock.now)
        self.account.pending.append(Invocation("reconcile_target", event, self.account.clock.now))

    def pass_time(self, seconds: float) -> None:
        """Let everything happen that is due within that time."""
        until = self.account.clock.after(seconds)
        while self._due or self._next_moment() <= until:
            self.step()
        self.account.clock.now = until

    def settle(self) -> None:
        """Step until nothing changes any more in two rounds of every schedule."""
        self.account.memory.pop("rest", None)
        self.run(World.rested)

    # Copies.

    def save(self) -> bytes:
        """The world as it is."""
        return self.account.snapshot()

    def restore(self, saved: bytes) -> None:
        """The world as it was."""
        self.wire.account = pickle.loads(saved)  # noqa: S301 - our own bytes
        self.wire.calls.clear()

    @property
    def _due(self) -> Invocation | Execution | None:
        """What can be done without the clock moving."""
        account = self.account
        invoked = (one for one in account.pending if one.due <= account.clock.now)
        ready = (one for one in account.states.executions.values() if one.ready)
        return next(invoked, None) or next(ready, None)

    def _step(self) -> str:
        match self._due:
            case Invocation() as due:
                self.account.pending.remove(due)
                return self._invoke(due)
            case None:
                return self._wait()
            case ready:
                before, self.acting = self.acting, ready.name
                stored = self.account.ledger.items.get(self.stored_as, {})
                self.account.memory["signalled"] = "signal" in stored
                try:
                    return f"{ready.name} {self.driver.step(ready)}"
                finally:
                    self.acting = before

    def _invoke(self, due: Invocation) -> str:
        if due.event.get("source") != "aws.events":
            self.account.delivered.append((due.function, due.event))
        try:
            self.call(due.function, due.event)
        except (Exception, Crash) as error:
            if due.tried < len(RETRIES):
                due.due = self.account.clock.after(RETRIES[due.tried])
                due.tried += 1
                self.account.pending.append(due)
            else:
                self.account.dead.append((due.function, repr(error)))
            return f"{due.function} failed: {error!r}"
        return due.function

    def _next_moment(self) -> datetime:
        """When something is due next."""
        account = self.account
        running = [one for one in account.states.executions.values() if one.running]
        moments = [one.due for one in account.pending]
        moments += [one.ready_at for one in running if one.ready_at]
        moments += [one.deadline for one in running if one.deadline]
        moments += [one.due for one in account.sagemaker.endpoints.values() if one.due]
        # With nothing in flight a minute's look reads one empty list: the round's is enough.
        idle = not account.pending and not self.in_flight
        moments.append(next_round(account.clock.now, RECONCILE_SECONDS if idle else WATCH_SECONDS))
        return min(moments)

    def _wait(self) -> str:
        account = self.account
        account.clock.now = now = self._next_moment()
        running = [one for one in account.states.executions.values() if one.running]
        for endpoint in account.sagemaker.settle(now):
            self.send(
                "watch_rollout", endpoint_event(endpoint.name, endpoint.config, self.skew(now))
            )
        for execution in running:
            if execution.deadline and execution.deadline <= now:
                self.driver.time_out(execution)
        self._tick(now)
        return f"{now:%H:%M:%S}"

    def _tick(self, now: datetime) -> None:
        due = [("watch_rollout", WATCH_SECONDS), ("reconcile_target", RECONCILE_SECONDS)]
        ticked = [name for name, seconds in due if now.timestamp() % seconds == 0]
        if ticked:
            self.account.cloudwatch.evaluate()
        for name in ticked:
            event = tick_event(now)
            self.account.pending.append(Invocation(name, event, now))

    def _spread(self) -> None:
        """What changed in the registry and what ended is told to those who asked for it."""
        registry, at = self.account.registry, self.skew(self.account.clock.now)
        changed, registry.changed = registry.changed, []
        for arn in changed:
            one = registry.packages[arn]
            event = package_event(arn, at, status=one.status, modified=one.modified)
            self.send("reconcile_target", event)
        announced, self.account.announced = self.account.announced, []
        for kind, detail in announced:
            if kind in _OF_PARTNERS and detail.get("partner"):
                self.send("reconcile_target", our_event(kind, detail, at))
        for one in self.account.states.executions.values():
            if not one.running and not one.told:
                one.told = True
                self.send("reconcile_target", ended_event(one, at))

    def _task(self, function: str, payload: Any) -> Any:
        return self.call(function, payload)
