"""Before a rollout begins: what its steps can show at the traffic there is, and what not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.domain.judge import forecast
from sluice.domain.judge.design_effect import design_effect
from sluice.domain.measures import STABLE, compared
from sluice.domain.tally import HISTORY, Asked, rows_of, settled
from sluice.domain.values import ALL_TRAFFIC, SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from sluice.domain.rollout import Rollout
    from sluice.domain.tally import Readings

_MINUTE = 60
_SILENT = (
    "stable had no requests in the last three hours: without traffic the last step before all "
    "traffic is held, whatever the version does"
)


class Forecast(Value):
    """What is to be expected of a rollout; figures are what half of all rollouts need, about."""

    schema_version: int = SCHEMA_VERSION
    rollout: str
    at: Moment
    requests_per_minute: float
    bad_rate: float
    phi: float
    """How much more stable's errors vary than independent ones would."""
    steps: tuple[dict[str, Any], ...] = ()
    """What the judge expects of each step before all traffic."""
    warnings: tuple[str, ...] = ()


def to_ask(rollout: Rollout, *, now: datetime) -> Asked | None:
    """Stable's requests and errors of the last hours; None where nothing will be compared."""
    if rollout.stable is None or not _weights(rollout):
        return None
    errors = compared(rollout.policy)[0]
    columns = {
        series.column(STABLE): (series, series.dimensions(rollout.target_name, rollout.stable))
        for series in (errors.n, errors.x)
    }
    until = settled(now, _MINUTE)
    return Asked(columns, until - HISTORY, until, _MINUTE)


def expect(rollout: Rollout, readings: Readings, *, now: datetime) -> Forecast:
    """The forecast for a rollout whose stable had this traffic."""
    errors = compared(rollout.policy)[0]
    requests, bad = (readings.get(one.column(STABLE), {}) for one in (errors.n, errors.x))
    pairs = [errors.pair(n, bad.get(at)) for at, n in sorted(requests.items()) if n]
    history = [(n, x or 0) for n, x in pairs if n]
    total, failed = sum(n for n, _ in history), sum(x for _, x in history)
    if not total:
        return Forecast(
            rollout=rollout.id,
            at=now,
            requests_per_minute=0.0,
            bad_rate=0.0,
            phi=1.0,
            warnings=(_SILENT,),
        )
    a_minute, rate = total / (HISTORY / timedelta(minutes=1)), min(failed / total, 0.999)
    phi = design_effect(history)
    answer = forecast(
        {
            "config": rollout.policy.analysis,
            "policy": _policy(rollout),
            "requests_per_minute": a_minute,
            "weights": _weights(rollout),
            "rate": rate,
            "phi": phi,
        }
    )
    return Forecast(
        rollout=rollout.id,
        at=now,
        requests_per_minute=a_minute,
        bad_rate=rate,
        phi=phi,
        steps=tuple(answer["steps"]),
        warnings=tuple(answer["warnings"]),
    )


def in_words(told: Forecast) -> str:
    """The forecast for people, a line a step, warnings last."""
    head = f"At {told.requests_per_minute:,.6g} requests a minute, {told.bad_rate:.3%} of them bad:"
    return "\n".join([head, *map(_in_words, told.steps), *(f"! {one}" for one in told.warnings)])


def _in_words(step: dict[str, Any]) -> str:
    minutes, least = step["minutes_to_promote"], step["least_rate_found"]
    proven = "never proven" if minutes is None else f"proven after about {minutes:,} minutes"
    found = "nothing is found" if least is None else f"bad rates from {least:.2%} on are found"
    return (
        f"{100 * step['weight']:g} %: {step['canary_requests_per_minute']:,.6g} canary requests a "
        f"minute, {proven}; {found} within {step['longest_minutes']} minutes"
    )


def _weights(rollout: Rollout) -> list[float]:
    return [one.weight / ALL_TRAFFIC for one in rollout.compared]


def _policy(rollout: Rollout) -> dict[str, int]:
    steps = rollout.compared
    return {
        "min_bake": rows_of(steps[0].data_seconds, _MINUTE),
        "max_bake": rows_of(steps[0].max_seconds, _MINUTE),
        "last_max_bake": rows_of(steps[-1].max_seconds, _MINUTE),
        "last_step": len(steps) - 1,
    }
