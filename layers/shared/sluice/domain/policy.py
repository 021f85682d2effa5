"""What the judge of a rollout is told, as it travels with the rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sluice.domain.release import System
from sluice.domain.values import Value

if TYPE_CHECKING:
    from sluice.domain.bedrock import BedrockConfig
    from sluice.domain.pushed import ModelConfig

ERRORS, MODEL_ERRORS, LATENCY = "errors", "model_errors", "latency"
LAST_RESORT = 0.5
"""The bad rate that is never fine at all traffic, where config.json names none."""


class Score(Value):
    """A metric of the engineers' own; more is better."""

    name: str
    namespace: str
    metric: str
    dimension: str
    dimensions: dict[str, str] = Field(default_factory=dict)
    tolerate_drop: float = 0.0
    margin_drop: float | None = None


class Policy(Value):
    """How a rollout is judged; the defaults are those of the judge."""

    analysis: dict[str, int | float] = Field(default_factory=dict)
    """The judge's `config`."""
    guard_alpha: float = 0.001
    allowed: dict[str, float] = Field(default_factory=lambda: {ERRORS: LAST_RESORT})
    """The highest bad rate of each metric at all traffic."""
    latency_slo_ms: int | None = None
    scores: tuple[Score, ...] = ()
    period: int = 60
    system: System = System.SAGEMAKER
    """Whose metrics tell of it."""


def policy_of(config: ModelConfig | BedrockConfig) -> Policy:
    """What a config says of judging; at all traffic its alarms' rates hold."""
    plan, alarms = config.rollout, config.alarms
    allowed = {
        ERRORS: plan.guard.error_rate or alarms.error_rate or LAST_RESORT,
        MODEL_ERRORS: alarms.model_error_rate,
    }
    return Policy(
        analysis=plan.analysis.model_dump(),
        guard_alpha=plan.guard.alpha,
        allowed={name: rate for name, rate in allowed.items() if rate},
        latency_slo_ms=plan.latency_slo_ms,
        scores=tuple(Score(**one.model_dump()) for one in plan.quality),
        period=plan.period,
        system=config.system,
    )
