"""The other engine for a service that two engines know: what passes on both rests on neither.

`LOCALCLOUD_SECOND` names such services, separated by commas. With `dynamodb`, moto keeps the tables
instead of ministack; IAM is asked as ever, and CloudFormation makes each table in both, so that the
stack's own attributes are there. With `lambda`, ministack's worker runs the functions instead of
AWS's runtime interface client. There is no second engine for SageMaker, for alarms and for events.

Engines are imported only when they are chosen: they take a second of the start.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

type Answer = tuple[int, dict[str, str], bytes]

KNOWN = frozenset({"dynamodb", "lambda"})
OK = 200
_TARGET = "DynamoDB_20120810"
_TABLE_MEMBERS = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "KeySchema",
    "ProvisionedThroughput",
)


_tables = threading.RLock()
"""One call at a time: moto copies all tables for a transaction, and others must not write then."""
_happened: dict[str, Answer] = {}
"""What was answered to each transaction that bore a token."""


def chosen() -> frozenset[str]:
    """The services that run on their second engine. Raises ValueError for one that has none."""
    named = frozenset(filter(None, os.environ.get("LOCALCLOUD_SECOND", "").split(",")))
    if not named <= KNOWN:
        message = f"no second engine for {', '.join(sorted(named - KNOWN))}"
        raise ValueError(message)
    return named


def mount() -> None:
    """Let the second engines answer."""
    if "dynamodb" in chosen():
        _mount_tables()
    if "lambda" in chosen():
        # ministack runs `python3.13` of the PATH: let that be this environment's.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def stop() -> None:
    """Nothing runs here."""


def _mount_tables() -> None:
    import ministack.app as gateway
    from ministack.services.cloudformation import provisioners

    gateway.SERVICE_HANDLERS["dynamodb"] = _handle
    tables = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    tables["create"] = _creating(tables["create"])
    tables["delete"] = _deleting(tables["delete"])


async def _handle(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Answer:
    from localcloud.moto_engine import open_request

    def ask() -> Answer:
        with _tables:
            answer = open_request("dynamodb", method, path, headers=headers, body=body, query=query)
        passed = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
        return answer.status_code, passed, answer.data

    if headers.get("x-amz-target", "").endswith(".TransactWriteItems"):
        return await asyncio.to_thread(_once, body, ask)
    return await asyncio.to_thread(ask)


def _once(body: bytes, ask: Callable[[], Answer]) -> Answer:
    """A transaction that bears a token happens once (TransactWriteItems); moto reads no token."""
    token = json.loads(body).get("ClientRequestToken", "")
    with _tables:
        if token and token in _happened:
            return _happened[token]
        answer = ask()
        if token and answer[0] == OK:
            _happened[token] = answer
        return answer


def _creating(create: Any) -> Any:
    def both(logical_id: str, props: dict[str, Any], *stack: Any) -> Any:
        name, attributes = create(logical_id, props, *stack)
        wanted = {member: props[member] for member in _TABLE_MEMBERS if member in props}
        # The properties of a template are strings where the API has booleans.
        protected = str(wanted.pop("DeletionProtectionEnabled", False)).lower() == "true"
        _call("CreateTable", TableName=name, DeletionProtectionEnabled=protected, **wanted)
        if "TimeToLiveSpecification" in props:
            lasting = {**props["TimeToLiveSpecification"], "Enabled": True}
            _call("UpdateTimeToLive", TableName=name, TimeToLiveSpecification=lasting)
        return name, attributes

    return both


def _deleting(delete: Any) -> Any:
    def both(physical_id: str, props: dict[str, Any]) -> Any:
        deleted = delete(physical_id, props)
        _call("DeleteTable", TableName=physical_id)
        return deleted

    return both


def _call(operation: str, **request: Any) -> None:
    """Call moto. Raises ValueError, which is how a resource of a stack fails."""
    from localcloud.moto_engine import EngineError, call

    try:
        call("dynamodb", f"{_TARGET}.{operation}", json.loads(json.dumps(request)))
    except EngineError as error:
        raise ValueError(str(error)) from error
