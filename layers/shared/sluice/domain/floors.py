"""What the stack demands of every version. Pushers do not choose their judge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from sluice.domain.bedrock import BedrockConfig
from sluice.domain.plan import RolloutPlan, Strategy
from sluice.domain.refusal import Reason, Refusal
from sluice.domain.values import ALL_TRAFFIC, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sluice.domain.pushed import ModelConfig

    type Config = ModelConfig | BedrockConfig


class Floors(Value):
    """The operator's limits; the defaults demand nothing."""

    strategies: tuple[Strategy, ...] = tuple(Strategy)
    """What `rollout.strategy` may be."""
    minimum_bake_minutes: int = 0
    minimum_alpha: float = 0.0
    """A judge with a smaller alpha hardly ever rolls back."""
    required_alarms: tuple[str, ...] = ()
    """Fields of `alarms` that must be set."""
    execution_roles: tuple[str, ...] = ()
    """ARNs of what a model may run as beside the stack's serving role."""
    require_smoke_test: bool = False
    evaluation: dict[str, float] = Field(default_factory=dict)
    """The least value of each metric, by its dotted name."""


def refuse_config(config: Config, floors: Floors) -> Refusal | None:
    """The first floor that the config is below, named; None when it keeps all of them."""
    below = next(_below(config, floors), None)
    return Refusal(reason=Reason.BELOW_FLOOR, detail=below) if below else None


def refuse_evaluation(metrics: Mapping[str, float], floors: Floors) -> Refusal | None:
    """The first metric that is absent or below its floor, named; None when all reach it."""
    for name, least in sorted(floors.evaluation.items()):
        value = metrics.get(name)
        if value is None or value < least:
            said = "absent" if value is None else str(value)
            detail = f"{name} is {said}, its floor is {least}"
            return Refusal(reason=Reason.EVALUATION_BELOW_FLOOR, detail=detail)
    return None


def parse_evaluation_floors(text: str) -> dict[str, float]:
    """`accuracy=0.8,f1=0.7` as a mapping. Raises ValueError for anything else."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    floors = {name.strip(): float(least) for name, _, least in pairs}
    if "" in floors or not all(map(math.isfinite, floors.values())):
        message = f"not a list of metric=number: {text!r}"
        raise ValueError(message)
    return floors


def _below(config: Config, floors: Floors) -> Iterator[str]:
    plan = config.rollout
    if _strategy(plan) not in floors.strategies:
        allowed = ", ".join(floors.strategies)
        yield f"rollout.strategy comes to {_strategy(plan)}, the stack allows {allowed}"
    if plan.bake_minutes.min < floors.minimum_bake_minutes:
        yield (
            f"rollout.bake_minutes.min is {plan.bake_minutes.min}, "
            f"the floor minimum_bake_minutes is {floors.minimum_bake_minutes}"
        )
    if plan.analysis.alpha < floors.minimum_alpha:
        yield (
            f"rollout.analysis.alpha is {plan.analysis.alpha}, "
            f"the floor minimum_alpha is {floors.minimum_alpha}"
        )
    for alarm in floors.required_alarms:
        of_endpoints = alarm == "model_error_rate" and isinstance(config, BedrockConfig)
        if not of_endpoints and getattr(config.alarms, alarm, None) is None:
            yield f"alarms.{alarm} is not set, required_alarms demands it"
    yield from _below_as_deployed(config, floors)


def _below_as_deployed(config: Config, floors: Floors) -> Iterator[str]:
    role = None if isinstance(config, BedrockConfig) else config.execution_role_arn
    if role is not None and role not in floors.execution_roles:
        allowed = ", ".join(floors.execution_roles) or "none beside the stack's serving role"
        yield f"execution_role_arn is {role}, execution_roles allows {allowed}"
    if floors.require_smoke_test and config.smoke_test is None:
        yield "smoke_test is not set, require_smoke_test demands it"


def _strategy(plan: RolloutPlan) -> Strategy:
    """What the plan comes to: a canary whose first step is all traffic is none."""
    whole = plan.strategy is Strategy.CANARY and plan.steps[0] == ALL_TRAFFIC
    return Strategy.ALL_AT_ONCE if whole else plan.strategy
