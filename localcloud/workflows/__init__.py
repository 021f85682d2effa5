"""Step Functions: moto's interpreter behind the gateway, on the virtual clock.

`api` answers requests, `executions`, `machines` and `callbacks` are the operations, and the other
modules put right what the interpreter does differently from the service.
"""

from moto.core.config import default_user_config

import localcloud.workflows.trimming  # noqa: F401 before the interpreter, which would import EC2
from localcloud.workflows import (
    api,
    attempts,
    callbacks,
    choices,
    clients,
    definitions,
    error_names,
    executions,
    machines,
    queries,
    timing,
    variables,
)

_PARTS = (
    api,
    attempts,
    callbacks,
    choices,
    clients,
    definitions,
    error_names,
    executions,
    machines,
    queries,
    timing,
    variables,
)


def mount() -> None:
    """Declare the hooks and handlers of this subsystem; called once, before `hooks.install()`."""
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    for part in _PARTS:
        part.mount()


def stop() -> None:
    """Stop every execution; called once, when the server stops."""
    executions.stop_all()
