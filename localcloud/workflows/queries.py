"""JSONata in state machines: every `{% ... %}`, with its variables bound, not pasted in.

A failure of any kind is `States.QueryEvaluationError`, as the developer guide's page on error names
says, and an expression that returns nothing is a failure.
"""

import json
from typing import Any

from jsonata.jsonata import Jsonata
from jsonata.timebox import Timebox
from jsonata.utils import Utils
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
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.jsonata import jsonata as engine_jsonata
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud import hooks
from localcloud.clock import clock
from localcloud.workflows import functions

_EVALUATION_FAILED = "evaluationFailedEventDetails"


class QueryError(Exception):
    """An expression does not parse, failed, or returned nothing."""


def check(expression: str) -> None:
    """Raise QueryError unless `expression` is JSONata."""
    try:
        Jsonata(expression)
    except Exception as error:
        raise QueryError(str(error)) from error


def evaluate(expression: str, bindings: dict[str, Any]) -> Any:
    """The JSON value of `expression` with `bindings` as its variables.

    Raises QueryError, also when there is no value or one that is not JSON, such as a function.
    """
    try:
        query = Jsonata(expression)
        query.set_output_convert_nulls(False)
        result = query.evaluate(None, _bound(bindings))
    except Exception as error:
        message = f"The JSONata expression '{expression}' threw an error during evaluation. {error}"
        raise QueryError(message) from error
    if result is None:
        message = f"The JSONata expression '{expression}' returned nothing (undefined)."
        raise QueryError(message)
    try:
        return json.loads(json.dumps(Utils.convert_nulls(result), allow_nan=False))
    except (TypeError, ValueError) as error:
        message = f"The JSONata expression '{expression}' returned an unsupported result type."
        raise QueryError(message) from error


def _bound(bindings: dict[str, Any]) -> dict[str, Any]:
    """Variables as the evaluator wants them: null is a value of its own, None is undefined."""
    library = {name: Jsonata.JLambda(call) for name, call in functions.BY_NAME.items()}
    own = {k: Utils.NULL_VALUE if v is None else v for k, v in bindings.items()}
    return {**library, **own}


def variables_of(env: Any) -> dict[str, Any]:
    """What an expression may read in `env`: assigned variables and `$states`."""
    store = env.variable_store
    states = json.loads(to_json_str(env.states._states_data))
    return {**store._outer_scope, **store._inner_scope, "states": states}


def failure(env: Any, cause: str) -> FailureEventException:
    """`States.QueryEvaluationError` at the state that `env` is in, recorded in the history."""
    error = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = {
        _EVALUATION_FAILED: {
            "error": error.error_name,
            "cause": cause,
            "state": env.next_state_name,
        }
    }
    event = FailureEvent(
        env=env,
        error_name=error,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=details,
    )
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=details,
    )
    return FailureEventException(event)


def mount() -> None:
    """Give the engine its evaluator."""
    hooks.require(VariableStore, "_to_variable_declarations", "bindings")
    hooks.replace(Timebox, "current_milli_time")(lambda: int(clock.now() * 1000))
    hooks.replace(StringJSONata, "_eval_body", "self", "env")(_evaluate_expression)
    hooks.wrap(
        EventManager,
        "add_event",
        "self",
        "context",
        "event_type",
        "event_details",
        "timestamp",
        "update_source_event_id",
    )(_add_event_once)
    hooks.put(engine_jsonata, "_eval_jsonata", lambda expression: evaluate(expression, {}))


def _evaluate_expression(self: Any, env: Any) -> None:
    try:
        env.stack.append(evaluate(self.expression.strip(), variables_of(env)))
    except QueryError as error:
        raise failure(env, str(error)) from error


def _add_event_once(  # noqa: PLR0913, PLR0917 the engine's signature
    original: Any,
    self: Any,
    context: Any,
    event_type: Any,
    event_details: Any = None,
    timestamp: Any = None,
    update_source_event_id: bool = True,
) -> Any:
    """A failed evaluation is recorded where it happens, not again by the state it fails."""
    recorded = (
        self._history_event_list[-1].get(_EVALUATION_FAILED) if self._history_event_list else None
    )
    if recorded is not None and recorded is (event_details or {}).get(_EVALUATION_FAILED):
        return context.last_published_event_id
    return original(self, context, event_type, event_details, timestamp, update_source_event_id)
