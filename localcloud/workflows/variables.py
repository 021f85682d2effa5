"""`Assign` as the service does it: what a state assigns is visible from the next state on.

The developer guide's page "Passing data between states with variables" says that a state's `Assign`
and `Output` are evaluated from the same values; the engine lets `Output` see what `Assign` has just
set.
"""

from typing import Any

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField

from localcloud import hooks

_PENDING = "localcloud.assigned"


def mount() -> None:
    """Hold assignments back until their state is left."""
    hooks.replace(AssignDecl, "_eval_body", "self", "env")(_evaluate_assign)
    hooks.wrap(CommonStateField, "_get_state_exited_event_details", "self", "env")(_leave_state)


def forget_pending(env: Any) -> None:
    """Drop what a failed attempt wanted to assign."""
    env.heap.pop(_PENDING, None)


def _evaluate_assign(self: Any, env: Any) -> None:
    assigned: dict[str, Any] = {}
    for binding in self.declaration_bindings:
        binding.eval(env=env)
        assigned.update(env.stack.pop())
    env.heap[_PENDING] = assigned


def _leave_state(original: Any, self: Any, env: Any) -> Any:
    for name, value in env.heap.pop(_PENDING, {}).items():
        env.variable_store.set(variable_identifier=name, variable_value=value)
    return original(self, env)
