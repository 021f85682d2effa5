"""What CreateStateMachine refuses: definitions that are not well-formed.

It is told as ValidateStateMachineDefinition does. The engine's grammar finds malformed fields; what
it lets through, states that are missing or cannot be reached and fields of the other query
language, is found here.
"""

import functools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)

from localcloud import hooks
from localcloud.workflows import queries

_COMMON = {"Type", "Comment", "QueryLanguage", "Assign"}
_FLOW = {"Next", "End"}
_PATHS = {"InputPath", "OutputPath"}
_RECOVERY = {"Retry", "Catch"}
_RESULT = {"ResultPath", "ResultSelector"}
_LIMITS = {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
_FIELDS = {
    "Task": _FLOW
    | _PATHS
    | _RECOVERY
    | _RESULT
    | _LIMITS
    | {"Resource", "Parameters", "Arguments", "Output", "Credentials"},
    "Pass": _FLOW | _PATHS | {"Result", "ResultPath", "Parameters", "Output"},
    "Wait": _FLOW | _PATHS | {"Seconds", "Timestamp", "SecondsPath", "TimestampPath", "Output"},
    "Choice": _PATHS | {"Choices", "Default", "Output"},
    "Succeed": _PATHS | {"Output"},
    "Fail": {"Error", "Cause", "ErrorPath", "CausePath"},
    "Parallel": _FLOW
    | _PATHS
    | _RECOVERY
    | _RESULT
    | {"Branches", "Parameters", "Arguments", "Output"},
    "Map": _FLOW
    | _PATHS
    | _RECOVERY
    | _RESULT
    | {
        "ItemProcessor",
        "Iterator",
        "Items",
        "ItemsPath",
        "ItemSelector",
        "ItemReader",
        "ItemBatcher",
    }
    | {"ResultWriter", "MaxConcurrency", "MaxConcurrencyPath", "Label", "Parameters", "Arguments"}
    | {"ToleratedFailureCount", "ToleratedFailurePercentage", "Output"}
    | {"ToleratedFailureCountPath", "ToleratedFailurePercentagePath"},
}
_JSONPATH_ONLY = {
    *_PATHS,
    *_RESULT,
    *{"Parameters", "Result", "TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath"},
    *{"TimestampPath", "ItemsPath", "MaxConcurrencyPath", "ErrorPath", "CausePath"},
}
_JSONATA_ONLY = {"Arguments", "Output", "Items"}
_ENDS = {"Succeed", "Fail"}
_parsing = threading.RLock()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a definition: the service's code for it, what, and where."""

    code: str
    message: str
    location: str

    def as_diagnostic(self) -> dict[str, str]:
        """The form of ValidateStateMachineDefinition's diagnostics."""
        return {
            "severity": "ERROR",
            "code": self.code,
            "message": self.message,
            "location": self.location,
        }

    def __str__(self) -> str:
        """The form of the message of InvalidDefinition."""
        return f"{self.code}: {self.message} at {self.location}"


def faults_of(definition: str) -> list[Fault]:
    """Everything wrong with a definition; an empty list when it can run."""
    try:
        document = json.loads(definition)
    except ValueError as error:
        return [Fault("INVALID_JSON_DESCRIPTION", str(error), "/")]
    if not isinstance(document, dict):
        return [Fault("INVALID_JSON_DESCRIPTION", "The definition is not an object.", "/")]
    found = list(_faults_of_scope(document, "", document.get("QueryLanguage", "JSONPath")))
    return found or list(_grammar_faults(definition))


def _grammar_faults(definition: str) -> Iterator[Fault]:
    try:
        _parsed(definition)
    except ASLParserException as error:
        yield Fault("SCHEMA_VALIDATION_FAILED", "; ".join(error.errors), "/")
    except Exception as error:  # the engine raises whatever its visitor ran into
        yield Fault("SCHEMA_VALIDATION_FAILED", str(error), "/")


def _faults_of_scope(scope: dict[str, Any], path: str, language: str) -> Iterator[Fault]:
    states = scope.get("States")
    if not isinstance(states, dict) or not states:
        yield Fault("SCHEMA_VALIDATION_FAILED", "States must not be empty.", f"{path}/States")
        return
    start = scope.get("StartAt")
    if start not in states:
        message = "These required properties are missing: [StartAt]"
        if start is not None:
            message = f'Missing target: "{start}"'
        code = "SCHEMA_VALIDATION_FAILED" if start is None else "MISSING_TRANSITION_TARGET"
        yield Fault(code, message, f"{path}/StartAt")
    for name, state in states.items():
        yield from _faults_of_state(state, f"{path}/States/{name}", language, set(states))
    yield from _faults_of_flow(states, start, path)


def _faults_of_flow(states: dict[str, Any], start: Any, path: str) -> Iterator[Fault]:
    reached: set[str] = set()
    front = [start]
    while front:
        name = front.pop()
        if name in states and name not in reached:
            reached.add(name)
            front += [target for target, _ in _targets(states[name])]
    for name in states.keys() - reached:
        message = f'State "{name}" is not reachable.'
        yield Fault("MISSING_TRANSITION_TARGET", message, f"{path}/States/{name}")
    if reached and not any(_is_end(states[name]) for name in reached):
        yield Fault("MISSING_END_STATE", "No terminal state can be reached.", f"{path}/States")


def _is_end(state: Any) -> bool:
    return isinstance(state, dict) and (state.get("End") is True or state.get("Type") in _ENDS)


def _targets(state: Any) -> Iterator[tuple[Any, str]]:
    """Where a state may go, with the place that says so."""
    if not isinstance(state, dict):
        return
    for field in ("Next", "Default"):
        if field in state:
            yield state[field], field
    for field in ("Choices", "Catch"):
        for index, rule in enumerate(state.get(field) or []):
            if isinstance(rule, dict) and "Next" in rule:
                yield rule["Next"], f"{field}[{index}]/Next"


def _faults_of_state(state: Any, path: str, outer: str, names: set[str]) -> Iterator[Fault]:
    known = _FIELDS.get(state.get("Type", "")) if isinstance(state, dict) else None
    if known is None:
        yield Fault("SCHEMA_VALIDATION_FAILED", "The state has no known Type.", f"{path}/Type")
        return
    language = state.get("QueryLanguage", outer)
    for field in state.keys() - known - _COMMON:
        message = f"Field is not supported in a {state['Type']} state"
        yield Fault("SCHEMA_VALIDATION_FAILED", message, f"{path}/{field}")
    for field in state.keys() & (_JSONPATH_ONLY if language == "JSONata" else _JSONATA_ONLY):
        message = f"Field is not supported when QueryLanguage is {language}"
        yield Fault("SCHEMA_VALIDATION_FAILED", message, f"{path}/{field}")
    for target, place in _targets(state):
        if target not in names:
            yield Fault(
                "MISSING_TRANSITION_TARGET", f'Missing target: "{target}"', f"{path}/{place}"
            )
    yield from _faults_of_type(state, path)
    if language == "JSONata":
        yield from _faults_of_queries(state, path)
    for place, scope in _inner_scopes(state):
        yield from _faults_of_scope(scope, f"{path}/{place}", language)


def _faults_of_type(state: dict[str, Any], path: str) -> Iterator[Fault]:
    kind = state["Type"]
    if "Next" in _FIELDS[kind] and ("Next" in state) == ("End" in state):
        yield Fault("SCHEMA_VALIDATION_FAILED", "A state has either Next or End.", path)
    required = {"Task": ["Resource"], "Choice": ["Choices"], "Parallel": ["Branches"]}.get(kind, [])
    missing = [field for field in required if not state.get(field)]
    if missing:
        message = f"These required properties are missing: {missing}"
        yield Fault("SCHEMA_VALIDATION_FAILED", message, path)
    if kind == "Wait" and len(state.keys() & _FIELDS["Wait"] - _FLOW - _PATHS - {"Output"}) != 1:
        yield Fault("SCHEMA_VALIDATION_FAILED", "A Wait state has one duration.", path)
    limit, beat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(limit, int) and isinstance(beat, int) and beat >= limit:
        message = "HeartbeatSeconds must be smaller than TimeoutSeconds."
        yield Fault("SCHEMA_VALIDATION_FAILED", message, f"{path}/HeartbeatSeconds")


def _faults_of_queries(value: Any, path: str) -> Iterator[Fault]:
    """JSONata that does not parse, outside the states that are inside this one."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in {"States", "Comment"}:
                yield from _faults_of_queries(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults_of_queries(item, f"{path}[{index}]")
    elif isinstance(value, str) and value.startswith("{%"):
        try:
            queries.check(value.removeprefix("{%").removesuffix("%}").strip())
        except queries.QueryError as error:
            yield Fault("INVALID_JSONATA_EXPRESSION", str(error), path)


def _inner_scopes(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, branch in enumerate(state.get("Branches") or []):
        yield f"Branches[{index}]", branch
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), dict):
            yield field, state[field]


def mount() -> None:
    """Parse each definition once, and one at a time: the parser's scopes are a class attribute."""
    original = AmazonStateLanguageParser.parse
    hooks.require(AmazonStateLanguageParser, "parse", "definition")

    @functools.lru_cache(maxsize=64)
    def cached(definition: str) -> Any:
        return original(definition)

    def parse(definition: str) -> Any:
        with _parsing:
            return cached(definition)

    hooks.put(AmazonStateLanguageParser, "parse", staticmethod(parse))
    hooks.replace(preprocessor, "from_string_literal", "parser_rule_context")(_from_string_literal)
    hooks.require(preprocessor.Preprocessor, "_inner_string_of", "parser_rule_context")
    hooks.put(preprocessor.Preprocessor, "_inner_string_of", staticmethod(_inner_string_of))


def _parsed(definition: str) -> Any:
    return AmazonStateLanguageParser.parse(definition)


def _inner_string_of(parser_rule_context: Any) -> str | None:
    text = _from_string_literal(parser_rule_context)
    return None if text == "null" and parser_rule_context.getText() == "null" else text


def _from_string_literal(parser_rule_context: Any) -> str:
    """The engine reads JSON's escapes as Python's, which are others, or not at all."""
    text: str = parser_rule_context.getText()
    return str(json.loads(text)) if text.startswith('"') and text.endswith('"') else text
