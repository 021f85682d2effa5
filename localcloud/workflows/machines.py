"""State machines: CreateStateMachine, UpdateStateMachine and ValidateStateMachineDefinition.

A machine's definition must be able to run and its role must exist and trust `states.amazonaws.com`;
both are refused when the machine is made, as the service does it, not when it first runs.
"""

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import iam

from localcloud import hooks
from localcloud.constants import ACCOUNT, REGION
from localcloud.moto_engine import call
from localcloud.workflows import executions
from localcloud.workflows.definitions import Fault, faults_of
from localcloud.workflows.refusals import RefusedError

_SERVICE = "states.amazonaws.com"
_PREFIX = "AWSStepFunctions."


def mount() -> None:
    """Declare where roles are kept."""
    hooks.require(iam, "_roles", call=False)


def create(request: dict[str, Any]) -> dict[str, Any]:
    """CreateStateMachine."""
    _must_run(request.get("definition", ""))
    _must_be_assumable(request["roleArn"])
    existing = _existing(request["name"])
    if existing and not _same(existing, request):
        arn = existing["stateMachineArn"]
        raise RefusedError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    return call("states", _PREFIX + "CreateStateMachine", request)


def update(request: dict[str, Any]) -> dict[str, Any]:
    """UpdateStateMachine; executions that run keep the definition they started with."""
    if "definition" in request:
        _must_run(request["definition"])
    if "roleArn" in request:
        _must_be_assumable(request["roleArn"])
    return call("states", _PREFIX + "UpdateStateMachine", request)


def validate(request: dict[str, Any]) -> dict[str, Any]:
    """ValidateStateMachineDefinition."""
    faults = faults_of(request["definition"])
    return {
        "result": "FAIL" if faults else "OK",
        "diagnostics": [fault.as_diagnostic() for fault in faults],
        "truncated": False,
    }


def _must_run(definition: str) -> None:
    faults: list[Fault] = faults_of(definition)
    if faults:
        told = ", ".join(str(fault) for fault in faults)
        raise RefusedError("InvalidDefinition", f"Invalid State Machine Definition: '{told}'")


def _must_be_assumable(role_arn: str) -> None:
    if ":role/" not in role_arn:
        raise RefusedError("InvalidArn", f"Invalid Role Arn: '{role_arn}'")
    with request_scope(ACCOUNT, REGION):
        role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    if role is None or not _trusts(role.get("AssumeRolePolicyDocument")):
        message = (
            f"Neither the global service principal {_SERVICE}, nor the regional one is authorized "
            "to assume the provided role."
        )
        raise RefusedError("AccessDeniedException", message)


def _trusts(policy: Any) -> bool:
    document = json.loads(policy) if isinstance(policy, str) else policy or {}
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        named = {services} if isinstance(services, str) else set(services)
        if statement.get("Effect") == "Allow" and named & {
            _SERVICE,
            f"states.{REGION}.amazonaws.com",
        }:
            return True
    return False


def _existing(name: str) -> dict[str, Any] | None:
    machines = call("states", _PREFIX + "ListStateMachines", {})["stateMachines"]
    arn = next(
        (machine["stateMachineArn"] for machine in machines if machine["name"] == name), None
    )
    if arn is None:
        return None
    return call("states", _PREFIX + "DescribeStateMachine", {"stateMachineArn": arn})


def _same(existing: dict[str, Any], request: dict[str, Any]) -> bool:
    """CreateStateMachine is idempotent for one name, definition and type, whatever the role."""
    return bool(
        existing["definition"] == request["definition"]
        and existing["type"] == request.get("type", "STANDARD")
    )


def delete(request: dict[str, Any]) -> dict[str, Any]:
    """DeleteStateMachine: its executions are terminated, as the API reference says."""
    answer = call("states", _PREFIX + "DeleteStateMachine", request)
    executions.stop_all(request["stateMachineArn"])
    return answer
