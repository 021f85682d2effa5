"""Choice states: a condition must be boolean, and finding no match is an error with a name."""

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import (
    ConditionStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice

from localcloud import hooks
from localcloud.workflows import queries


def mount() -> None:
    """Replace how rules are tried."""
    hooks.replace(StateChoice, "_eval_state", "self", "env")(_choose)
    hooks.replace(ConditionStringJSONata, "_eval_body", "self", "env")(_evaluate_condition)


def _choose(self: Any, env: Any) -> None:
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        raise _no_match(env)
    env.stack.append(self.default_state.state_name)


def _no_match(env: Any) -> FailureEventException:
    error = StatesErrorName(typ=StatesErrorNameType.StatesNoChoiceMatched)
    cause = (
        f"An error occurred while executing the state '{env.next_state_name}' (entered at "
        f"the event id #{env.event_history_context.source_event_id}). "
        "No choice matched and there is no Default."
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=error,
            event_type=HistoryEventType.ExecutionFailed,
            event_details={
                "executionFailedEventDetails": {"error": error.error_name, "cause": cause}
            },
        )
    )


def _evaluate_condition(self: Any, env: Any) -> None:
    """Leave a boolean on the stack; anything else is an evaluation error."""
    self.string_jsonata.eval(env=env)
    if not isinstance(env.stack[-1], bool):
        expression = self.string_jsonata.expression
        cause = f"The JSONata expression '{expression}' must return a boolean."
        raise queries.failure(env, cause)
