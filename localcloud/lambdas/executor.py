"""Invocations: ministack counts concurrency and answers the API, this runs the function."""

import contextlib
import contextvars
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from localcloud import hooks, second
from localcloud.lambdas import logs, records
from localcloud.lambdas.execution import Ending, Environment, Invocation, Outcome
from localcloud.lambdas.pool import Pool

pool = Pool()
# The ARN the caller named, when a weighted alias chose another version than its first.
_named_arn: contextvars.ContextVar[str] = contextvars.ContextVar("named_arn", default="")
# The request id of an asynchronous event, which its retries share.
_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


def mount() -> None:
    """Replace ministack's executor, and its metrics and logs, which know no attempts."""
    records.require()
    logs.require()
    if "lambda" in second.chosen():
        return
    hooks.replace(lambda_svc, "_execute_function_warm", "func", "event", "request_id")(execute)
    hooks.replace(
        lambda_svc, "_emit_lambda_metrics", "function_name", "duration_ms", "error", "throttle"
    )(_already_told)
    hooks.wrap(lambda_svc, "_acquire_execution_slot", "func", "config")(_acquire)
    hooks.replace(
        lambda_svc,
        "_emit_lambda_logs",
        "func",
        "request_id",
        "log_text",
        "error",
        "duration_ms",
        "log_source",
    )(_already_told)


@contextlib.contextmanager
def named(function_arn: str) -> Iterator[None]:
    """Tell the function it was invoked as `function_arn`, whatever version runs."""
    token = _named_arn.set(function_arn)
    try:
        yield
    finally:
        _named_arn.reset(token)


@contextlib.contextmanager
def as_request(request_id: str) -> Iterator[None]:
    """Invoke under this request id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """Run one invocation; return ministack's result: body, log, and whether it is an error."""
    config = records.config_of(func)
    invocation = Invocation(
        request_id=_request_id.get() or request_id,
        event=json.dumps(event).encode(),
        function_arn=_named_arn.get() or config["FunctionArn"],
        trace_id=f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0",
        timeout_seconds=records.timeout_of(config),
    )
    environment = _environment(func, config)
    outcome = environment.invoke(invocation)
    _put_back(environment, config, outcome)
    log = _full_log(config, invocation, outcome)
    key = records.execution_key_of(config)
    logs.write(records.log_group_of(config), environment.log_stream, log, key)
    _count(config, invocation.function_arn, outcome)
    failure = {} if outcome.ending is Ending.RESPONSE else _FAILURE
    return {"body": json.loads(outcome.payload or b"null"), "log": log, **failure}


_FAILURE = {"error": True, "function_error": "Unhandled"}


def _environment(func: dict[str, Any], config: dict[str, Any]) -> Environment:
    revision = records.revision_of(config)
    warm = pool.take(revision)
    if warm is not None:
        return warm
    stream = logs.new_stream_name(str(config.get("Version", "$LATEST")))
    return pool.start(records.launch_of(func, stream))


def _put_back(environment: Environment, config: dict[str, Any], outcome: Outcome) -> None:
    if outcome.ending is Ending.BROKEN:
        pool.discard(environment)
    else:
        pool.give_back(environment, records.revision_of(config))


def _full_log(config: dict[str, Any], invocation: Invocation, outcome: Outcome) -> str:
    """The printed lines between the platform's own, as the log stream shows them."""
    request = f"RequestId: {invocation.request_id}"
    billed = int(outcome.duration_ms) + 1
    report = (
        f"REPORT {request}\tDuration: {outcome.duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {records.memory_of(config)} MB\t"
        f"Max Memory Used: {outcome.peak_megabytes} MB\t"
    )
    if outcome.init_ms is not None:
        report += f"Init Duration: {outcome.init_ms:.2f} ms\t"
    start = f"START {request} Version: {config.get('Version', '$LATEST')}"
    fault = [_said_of(outcome)] if outcome.ending is Ending.BROKEN else []
    lines = [start, outcome.log.rstrip("\n"), *fault, f"END {request}", report]
    return "\n".join(line for line in lines if line) + "\n"


def _said_of(outcome: Outcome) -> str:
    """The platform's line about an environment it ended."""
    return str(json.loads(outcome.payload).get("errorMessage", ""))


def _count(config: dict[str, Any], invoked_arn: str, outcome: Outcome) -> None:
    """Publish Lambda's metrics of one attempt."""
    errors = 0.0 if outcome.ending is Ending.RESPONSE else 1.0
    for dimensions in _dimensions(config, invoked_arn):
        _record("Invocations", 1.0, "Count", dimensions)
        _record("Errors", errors, "Count", dimensions)
        _record("Duration", outcome.duration_ms, "Milliseconds", dimensions)


def _dimensions(config: dict[str, Any], invoked_arn: str) -> list[dict[str, str]]:
    """By function; by resource when a qualifier was named; by version too if that was an alias."""
    name, version = config["FunctionName"], str(config.get("Version", "$LATEST"))
    qualifier = records.qualifier_of({**config, "FunctionArn": invoked_arn})
    sets = [{"FunctionName": name}]
    if qualifier:
        sets.append({"FunctionName": name, "Resource": f"{name}:{qualifier}"})
        if qualifier != version:
            sets.append({**sets[-1], "ExecutedVersion": version})
    return sets


def publish(metric: str, value: float, unit: str, config: dict[str, Any]) -> None:
    """Publish one of Lambda's metrics by function."""
    _record(metric, value, unit, {"FunctionName": config["FunctionName"]})


def _record(metric: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
    cloudwatch.record_metric("AWS/Lambda", metric, value, unit, dimensions)


def _acquire(original: Any, func: dict[str, Any], config: dict[str, Any]) -> Any:
    """Reserved concurrency is the whole function's, whichever version runs; count what it refused.

    "When all function instances are processing requests ... Lambda rejects additional requests":
    such a request is neither an invocation nor an error.
    """
    whole = lambda_svc._functions.get(config.get("FunctionName")) or func
    slot, limit = original(whole, config)
    if slot is None:
        for dimensions in _dimensions(config, _named_arn.get() or config["FunctionArn"]):
            _record("Throttles", 1.0, "Count", dimensions)
    return slot, limit


def _already_told(*_: Any, **__: Any) -> None:
    """Every attempt counts itself and writes its own log, with what its environment measured."""


def stop() -> None:
    """End every environment."""
    pool.close()
