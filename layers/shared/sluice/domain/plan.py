"""The rollout plan that `config.json` carries, with the defaults for what it leaves out."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from sluice.domain.values import ALL_TRAFFIC, Pushed

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


class Preset(StrEnum):
    """Which values `bake_minutes` and `analysis` have where they say nothing."""

    CAUTIOUS = "cautious"
    DEFAULT = "default"
    FAST = "fast"


PRESETS: dict[Preset, dict[str, dict[str, float]]] = {
    Preset.CAUTIOUS: {
        "bake_minutes": {"min": 10, "max": 60, "last": 120},
        "analysis": {"alpha": 0.05, "beta": 0.01, "margin_ratio": 1.25, "margin_abs": 0.002},
    },
    Preset.DEFAULT: {},
    Preset.FAST: {
        "bake_minutes": {"min": 5, "max": 10, "last": 30},
        "analysis": {"beta": 0.1, "margin_ratio": 2.0, "margin_abs": 0.05},
    },
}


class BakeMinutes(Pushed):
    """How long a step bakes: `min` minutes with data to `max`.

    The last step before all traffic passes on evidence only, and may take until `last` if that is
    longer; the step at all traffic takes `last`.
    """

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
    """Fine is a bad rate of at most `tolerate_ratio` times stable's plus `tolerate_abs`."""
    margin_ratio: Ratio = 1.5
    margin_abs: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """Materially worse is one of at least `margin_ratio` times stable's plus `margin_abs`."""
    min_bad_minutes: Annotated[int, Field(ge=1, le=60)] = 3
    """Fewer bad minutes than these never roll back, whatever they say."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.margin_ratio < self.tolerate_ratio or self.margin_abs < self.tolerate_abs:
            raise ValueError("margin_ratio and margin_abs must not be less than what is tolerated")
        if self.margin_ratio == self.tolerate_ratio and self.margin_abs == self.tolerate_abs:
            raise ValueError("margin_ratio or margin_abs must be more than what is tolerated")
        return self


class Guard(Pushed):
    """What is judged at all traffic, where there is nothing to compare with."""

    alpha: Chance = 0.001
    """The chance that a release which keeps within the rate is rolled back."""
    error_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The highest rate of 5xx answers allowed; null: that of `alarms.error_rate`."""


Label = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^:*?\x00-\x1f]+$")]


class Quality(Pushed):
    """A metric of one's own that scores answers; more is better."""

    name: Annotated[str, Field(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    namespace: Label
    metric: Label
    dimension: Label = "VariantName"
    """The dimension whose value is the variant."""
    dimensions: Annotated[dict[Label, Label], Field(max_length=10)] = Field(default_factory=dict)
    """Further dimensions, with their values."""
    tolerate_drop: Annotated[float, Field(ge=0)] = 0.0
    """By how much the canary's mean may be lower and still be fine."""
    margin_drop: Annotated[float, Field(gt=0)] | None = None
    """By how much lower it is materially worse; null: no step waits for this metric's evidence."""


class RolloutPlan(Pushed):
    """From approval to all traffic."""

    preset: Preset = Preset.DEFAULT
    strategy: Strategy = Strategy.CANARY
    steps: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=20)] = (5, 25, 50, 100)
    bake_minutes: BakeMinutes = BakeMinutes()
    hold_max_hours: Annotated[int, Field(ge=1, le=720)] = 24
    analysis: Analysis = Analysis()
    guard: Guard = Guard()
    latency_slo_ms: Annotated[int, Field(ge=1, le=900_000)] | None = None
    """An answer that takes longer is a bad one; null: latency is not judged."""
    quality: Annotated[tuple[Quality, ...], Field(max_length=10)] = ()
    period: Literal[60, 300] = 60
    """Seconds that are counted together; 300 where variants drift apart slowly by themselves."""
    on_inconclusive: OnInconclusive = OnInconclusive.HOLD
    standby_minutes: Annotated[int, Field(ge=0, le=1440)] = 60
    capacity: Capacity = Capacity.FULL

    @model_validator(mode="after")
    def _with_preset(self) -> Self:
        """What a file says itself goes before what its preset says."""
        for section, values in PRESETS[self.preset].items():
            written: Pushed = getattr(self, section)
            said = written.model_dump(include=written.model_fields_set)
            self.__dict__[section] = type(written)(**{**values, **said})
        return self

    @field_validator("quality")
    @classmethod
    def _named_once(cls, quality: tuple[Quality, ...]) -> tuple[Quality, ...]:
        names = [one.name for one in quality]
        if len(set(names)) < len(names) or {"errors", "model_errors", "latency"} & set(names):
            raise ValueError("each needs a name of its own, and none that Sluice uses itself")
        return quality

    @field_validator("steps")
    @classmethod
    def _rise_to_all_traffic(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if steps[-1] != ALL_TRAFFIC or any(after <= before for before, after in pairwise(steps)):
            raise ValueError("steps must rise strictly and end in 100")
        return steps
