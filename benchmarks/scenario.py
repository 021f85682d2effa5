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
    returns: dict[str, Any]
    """Part of what the function must return: an early way out would be cheap."""
    environment: dict[str, str]
    ledger: list[Item]
    answers: dict[str, list[Answer]]
    """By `service:Operation`, the service as requests are signed for it; the last one repeats."""


def dump_scenarios(scenarios: list[Scenario]) -> str:
    """The scenarios as JSON, for another process."""
    return json.dumps([asdict(scenario) for scenario in scenarios])


def load_scenarios(text: str) -> list[Scenario]:
    """The scenarios that `dump_scenarios` wrote."""
    return [Scenario(**{**one, "answers": _answers(one)}) for one in json.loads(text)]


def _answers(scenario: dict[str, Any]) -> dict[str, list[Answer]]:
    return {
        call: [Answer(**answer) for answer in answers]
        for call, answers in scenario["answers"].items()
    }
