"""What the state machine hands a task, and what it gets back: the rollout, and the time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from sluice.domain.rollout import Rollout


class Task(BaseModel):
    """A task's input: the travelling rollout and the time its state was entered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rollout: Rollout
    at: datetime


def parse_task(event: dict[str, Any]) -> Task:
    """The task in a state's payload. Raises pydantic.ValidationError."""
    return Task.model_validate(event)


def dump_rollout(rollout: Rollout) -> dict[str, Any]:
    """The rollout as the machine carries it; `parse_task` reads the same rollout from it."""
    return rollout.model_dump(mode="json", exclude_none=True)
