"""One attempt at a Task, Map or Parallel state.

It ends when the work ends, when its time is up, or when the execution stops.
"""

import copy
import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning

from localcloud import hooks
from localcloud.clock import clock
from localcloud.workflows import callbacks, variables
from localcloud.workflows.timing import wait_until


def mount() -> None:
    """Replace the engine's attempt, and make the end of an execution final."""
    hooks.replace(ExecutionState, "_evaluate_with_timeout", "self", "env")(_evaluate_with_timeout)
    hooks.wrap(Environment, "set_error", "self", "error")(_set_error)
    hooks.wrap(Environment, "set_timed_out", "self")(_set_timed_out)


def waits_for_token(state: Any) -> bool:
    """Whether the state's work is done when somebody sends its task token back."""
    condition = getattr(getattr(state, "resource", None), "condition", None)
    return bool(condition == ResourceCondition.WaitForTaskToken)


def _evaluate_with_timeout(self: Any, env: Any) -> None:
    """Run the state's work once and take its result, or raise what it raised.

    The limit counts real seconds: work that is waited for on the virtual clock, a callback, keeps
    its own. A retry of a callback task gets a new token, as the service does it.
    """
    variables.forget_pending(env)
    self.timeout.eval(env=env)
    limit = env.stack.pop()
    if waits_for_token(self):
        callbacks.issue(env)
        limit += clock.real_seconds(limit)
    frame = _open_frame(env)
    outcome = _Outcome()
    threading.Thread(target=outcome.take, args=(self, frame), name="task", daemon=True).start()
    finished = wait_until(outcome.known, env, limit, real=True)
    if not finished:
        frame.event_manager = EventManager()
    frame.set_ended()
    env.close_frame(frame)
    callbacks.close(env)
    if not env.is_running():
        return
    if not finished:
        raise EvalTimeoutError
    if outcome.error is not None:
        raise outcome.error
    env.stack.append(outcome.output)
    _use_result(self, env, outcome.output)


class _Outcome:
    """What the work in a thread came to; `known` is set when it is there."""

    def __init__(self) -> None:
        self.known = threading.Event()
        self.output: Any = None
        self.error: Exception | None = None

    def take(self, state: Any, frame: Any) -> None:
        try:
            state._eval_execution(frame)
            self.output = frame.stack[-1] if frame.stack else None
        except Exception as error:
            self.error = error
        finally:
            self.known.set()


def _open_frame(env: Any) -> Any:
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    context = env.states.context_object.context_object_data
    if "Map" in context:
        frame.states.context_object.context_object_data["Map"] = context["Map"]
    return frame


def _use_result(state: Any, env: Any, output: Any) -> None:
    if not state._is_language_query_jsonpath():
        env.states.set_result(output)
    if state.assign_decl:
        state.assign_decl.eval(env=env)
    if state.result_selector:
        state.result_selector.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def _set_error(original: Any, self: Any, error: Any) -> None:
    """A stopped or timed-out execution stays so, whatever its work still raises."""
    with self._state_mutex:
        if self._program_state is None or isinstance(self._program_state, ProgramRunning):
            original(self, error)


def _set_timed_out(original: Any, self: Any) -> None:
    with self._state_mutex:
        if isinstance(self._program_state, ProgramRunning):
            original(self)
