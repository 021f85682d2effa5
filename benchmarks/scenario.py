"""One function's first event on a cold start: what arrives, and the AWS it meets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.ledger import Item

REFERENCE = "reference"
"""The function that is not ours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answers to a call."""

    body: str = "{}"
    """A character for each byte."""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Scenario:
    """An event, the ledger as it finds it, and the answers of everything else."""

    name: str
    function: str
    event: Any
    environment: dict[str, str] = field(default_factory=dict)
    returns: dict[str, Any] = field(default_factory=dict)
    """Part of what the function must return: an early way out would be cheap."""
    logs: str = ""
    """What its log must hold, where what it returns says too little."""
    ledger: list[Item] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    """Keys that exist in S3; what is written later exists as well."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """By `service:Operation`, the service as requests are signed for it.

    By `s3:GetObject {key}` where different objects are read.
    """


def dump_scenarios(scenarios: list[Scenario]) -> str:
    """The scenarios as JSON, for another process."""
    return json.dumps([asdict(scenario) for scenario in scenarios])


def load_scenarios(text: str) -> list[Scenario]:
    """The scenarios that `dump_scenarios` wrote."""
    return [Scenario(**{**one, "answers": _answers(one)}) for one in json.loads(text)]


def _answers(scenario: dict[str, Any]) -> dict[str, Answer]:
    return {call: Answer(**answer) for call, answer in scenario["answers"].items()}
