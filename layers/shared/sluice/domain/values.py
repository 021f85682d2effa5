"""What every value that travels or is stored has in common: frozen, with one spelling of time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

SCHEMA_VERSION = 1
ALL_TRAFFIC = 100
"""Percent: the weight of the step at which nothing is compared any more."""


def iso(moment: datetime) -> str:
    """`moment` as the ledger spells it: UTC, milliseconds, Z; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(iso, when_used="json")]
"""An aware datetime, in UTC, that serialises as `iso` spells it."""


class Value(BaseModel):
    """A frozen value of ours: payload of the state machine, or part of a record.

    Unknown fields are kept, not refused: the version before and the version after of Sluice must
    read what this one writes, and hand on what they do not know.
    """

    model_config = ConfigDict(frozen=True, extra="allow")


class Pushed(BaseModel):
    """Part of a file that an engineer pushed: a field nobody knows is a mistake worth naming."""

    model_config = ConfigDict(frozen=True, extra="forbid")
