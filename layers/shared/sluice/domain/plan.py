"""The rollout plan that `config.json` carries, with the defaults for what it leaves out."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from sluice.domain.values import Pushed

ALL_TRAFFIC = 100

Minutes = Annotated[int, Field(ge=1, le=1440)]
Percent = Annotated[int, Field(ge=1, le=ALL_TRAFFIC)]
Chance = Annotated[float, Field(gt=0, lt=1)]
Ratio = Annotated[float, Field(ge=1, le=100)]


class Strategy(StrEnum):
    """How traffic moves to a new version."""

    CANARY = "canary"
    ALL_AT_ONCE = "all_at_once"
    GUARDRAIL = "guardrail"
    """Serverless endpoints, which hold one variant: an update, and an update back."""


class OnInconclusive(StrEnum):
    """What follows when the judge cannot tell."""

    HOLD = "hold"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


class Capacity(StrEnum):
    """How many instances the canary gets."""

    FULL = "full"
    """Enough for all traffic from the start, so that no weight change waits for instances."""
    FOLLOW_WEIGHT = "follow_weight"


class BakeMinutes(Pushed):
    """How long a step bakes: `min` to `max`; the step at all traffic at least `last`."""

    min: Minutes = 5
    max: Minutes = 30
    last: Minutes = 60

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max < self.min or self.last < self.min:
            raise ValueError("max and last must not be less than min")
        return self


class Analysis(Pushed):
    """What the judge tolerates."""

    alpha: Chance = 0.01
    """The chance that a canary which is fine is rolled back, over the whole rollout."""
    beta: Chance = 0.05
    """The chance that a materially worse canary passes a step on evidence."""
    tolerate_ratio: Ratio = 1.1
    tolerate_abs: Annotated[float, Field(ge=0, lt=1)] = 0.0
    margin_ratio: Ratio = 1.5
    margin_abs: Annotated[float, Field(ge=0, lt=1)] = 0.005


class RolloutPlan(Pushed):
    """From approval to all traffic."""

    strategy: Strategy = Strategy.CANARY
    steps: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=20)] = (5, 25, 50, 100)
    bake_minutes: BakeMinutes = BakeMinutes()
    hold_max_hours: Annotated[int, Field(ge=1, le=720)] = 24
    analysis: Analysis = Analysis()
    latency_slo_ms: Annotated[int, Field(ge=1, le=900_000)] | None = None
    on_inconclusive: OnInconclusive = OnInconclusive.HOLD
    standby_minutes: Annotated[int, Field(ge=0, le=1440)] = 60
    capacity: Capacity = Capacity.FULL

    @field_validator("steps")
    @classmethod
    def _rise_to_all_traffic(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if steps[-1] != ALL_TRAFFIC or any(after <= before for before, after in pairwise(steps)):
            raise ValueError("steps must rise strictly and end in 100")
        return steps
