"""State machines on the virtual clock.

Waits, retry intervals, callback and heartbeat limits and the machine's own `TimeoutSeconds` count
virtual seconds. The `TimeoutSeconds` of a task that really runs something counts real seconds,
because what it runs does. Whatever an execution waits for, stopping it ends the wait.
"""

import datetime
import threading
import time
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions import models as simple_models
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import (
    MaxAttemptsOutcome,
)
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    map_run_record,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.event import event_manager
from moto.stepfunctions.parser.backend import execution

from localcloud import hooks
from localcloud.clock import clock

_LONGEST_NAP = 0.1
_LAST_WORDS_SECONDS = 2.0
_TELL_THE_TIME = (
    branches_decl,
    event_manager,
    execution,
    map_run_record,
    models,
    state,
    timestamp,
)


class VirtualDatetime(datetime.datetime):
    """`datetime.datetime` whose now is the virtual clock's."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        """The virtual time; without a time zone in UTC, as the service would see it."""
        moment = cls.fromtimestamp(clock.now(), datetime.UTC)
        return moment.astimezone(tz) if tz else moment.replace(tzinfo=None)

    def isoformat(self, sep: str = "T", timespec: str = "milliseconds") -> str:
        """The form of the times in the context object: milliseconds, and Z for UTC."""
        return super().isoformat(sep, timespec).replace("+00:00", "Z")


def wait_until(happened: threading.Event, env: Any, seconds: float, *, real: bool = False) -> bool:
    """Wait for an event for at most virtual (or `real`) seconds, or until `env` stops running.

    Return whether the event happened. The speed of the virtual clock may change meanwhile.
    """
    now = time.monotonic if real else clock.now
    deadline = now() + seconds
    while env.is_running() and not happened.is_set():
        remaining = deadline - now()
        if remaining <= 0:
            break
        happened.wait(min(_LONGEST_NAP, remaining if real else clock.real_seconds(remaining)))
    return happened.is_set()


def pause(env: Any, virtual_seconds: float) -> None:
    """Let virtual seconds pass, or return as soon as `env` stops running."""
    wait_until(threading.Event(), env, virtual_seconds)


def mount() -> None:
    """Put the engine on the virtual clock."""
    virtual = SimpleNamespace(
        datetime=VirtualDatetime, timezone=datetime.timezone, timedelta=datetime.timedelta
    )
    for module in _TELL_THE_TIME:
        hooks.put(module, "datetime", virtual)
    hooks.replace(simple_models, "utcnow")(lambda: clock.utc().replace(tzinfo=None))
    hooks.replace(WaitFunction, "_wait_interval", "self", "env", "wait_seconds")(_wait_interval)
    hooks.replace(retrier_decl.RetrierDecl, "_eval_body", "self", "env")(_evaluate_retrier)
    hooks.replace(Program, "eval", "self", "env")(_evaluate_program)


def _wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
    pause(env, wait_seconds)


def _evaluate_retrier(self: Any, env: Any) -> None:
    """As the engine's, but on the virtual clock, and without sitting it out once stopped."""
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for part in (
        self.interval_seconds,
        self.backoff_rate,
        self.max_delay_seconds,
        self.jitter_strategy,
    ):
        part.eval(env=env)
    pause(env, env.stack.pop())
    env.stack.append(RetrierOutcome.Executed)


def _evaluate_program(self: Any, env: Any) -> None:
    """Run the program in a thread of its own, for at most its `TimeoutSeconds`."""
    env.next_state_name = self.start_at.start_at_name
    ended = threading.Event()

    def run() -> None:
        try:
            super(Program, self).eval(env)
        finally:
            ended.set()

    threading.Thread(target=run, name="state machine", daemon=True).start()
    if self.timeout_seconds is None:
        ended.wait()
        return
    if not wait_until(ended, env, self.timeout_seconds.timeout_seconds):
        env.set_timed_out()
    ended.wait(_LAST_WORDS_SECONDS)
