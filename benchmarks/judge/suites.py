"""What the full benchmark runs: suites of scenarios, cut into shards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.judge import kayenta, rules
from benchmarks.judge.generator import SHARD, generate
from benchmarks.judge.ours import evidence_by_step, judge, promotions
from benchmarks.judge.scenarios import Ladder, Scenario, by_id, healthy, regressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.judge.generator import Batch
    from benchmarks.judge.rules import Rule

OURS = "ours"
ORACLE = "who knows, in the third minute"
OTHERS: dict[str, Rule] = {
    "Flagger docs": rules.flagger_docs,
    "Argo docs": rules.argo_docs,
    "Argo CloudWatch docs": rules.argo_cloudwatch_docs,
    "CodeDeploy / SAM alarm": rules.sam_alarm,
    "hand-tuned alarm": rules.hand_tuned_alarm,
    "SageMaker guardrail, documented": rules.sagemaker_documented,
    "SageMaker guardrail, corrected": rules.sagemaker_corrected,
    "peeked z-test": rules.peeked_z_test,
    "mSPRT": rules.msprt,
    "Netflix multinomial": rules.multinomial,
    ORACLE: rules.third_minute,
}
KAYENTA: dict[str, Rule] = {
    "Kayenta per step": kayenta.kayenta_per_step,
    "Kayenta every 10 minutes": kayenta.kayenta_every_10,
}
_FULL, _FEWER = 4000, 1000
_KAYENTA_HEALTHY, _KAYENTA_REGRESSION = 800, 400
_SETTINGS: dict[str, dict[str, float]] = {
    "strict": {"tolerate_ratio": 1.0},
    "alpha 5 %": {"tolerate_ratio": 1.0, "alpha": 0.05},
    "alpha 0.1 %": {"tolerate_ratio": 1.0, "alpha": 0.001},
    "a day": {"tolerate_ratio": 1.0},
}
SUITES = ("panel", "strict", "promote", "margin", "a day", "alpha 5 %", "alpha 0.1 %")
"""In the order of what one wants to know first."""
_DAY = Ladder(step_minutes=(480, 480, 480))
_CLIMB = Ladder(step_minutes=(30, 30, 60))


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of one scenario of one suite."""

    suite: str
    scenario: str
    shard: int


def tasks(suite: str) -> Iterator[Task]:
    """All shards of a suite."""
    for scenario in scenarios(suite):
        rollouts = _FEWER if suite in ("promote", "margin", "a day") else _FULL
        for shard in range(rollouts // SHARD):
            yield Task(suite, scenario.id, shard)


def in_turn(suites: Iterable[str]) -> list[Task]:
    """A shard of each scenario after another: stopped at any time, all have been run alike.

    The settings that nobody uses by default come last.
    """
    listed = [task for suite in suites for task in tasks(suite)]
    return sorted(listed, key=lambda task: (task.suite.startswith("alpha"), task.shard))


def scenarios(suite: str) -> Sequence[Scenario]:
    """The scenarios of a suite."""
    match suite:
        case "panel":
            return (*healthy(), *regressions())
        case "promote":
            return [_on(_CLIMB, one) for one in (*_GRID, "10/min base 0%")]
        case "margin":
            return [
                replace(_on(_CLIMB, one), id=f"{one}, at the margin", effect=("margin", 0.005))
                for one in _GRID
            ]
        case "a day":
            return [_on(_DAY, one) for one in _ALL_DAY]
        case _:
            return healthy()


_GRID = [f"{rpm}/min base {base}%" for rpm in (1000, 10000) for base in ("0", "0.1", "1", "5")]
_ALL_DAY = ("10/min base 1%", "1000/min base 0.1%", "1000/min base 1%", "clumps of 3, 1k 1%")


def run(task: Task) -> dict[str, Any]:
    """The shard's outcome: of each rule the minute of each rollout, and what it let pass."""
    (scenario,) = (one for one in scenarios(task.suite) if one.id == task.scenario)
    batch = generate(scenario, task.shard)
    match task.suite:
        case "promote":
            return {name: {"minutes": found} for name, found in promotions(batch).items()}
        case "margin":
            return {name: {"minutes": found} for name, found in evidence_by_step(batch).items()}
        case "panel":
            return {name: outcome_of(rule, batch) for name, rule in _panel(task).items()}
        case suite:
            return {OURS: outcome_of(judge(**_SETTINGS[suite]), batch)}


def _panel(task: Task) -> dict[str, Rule]:
    is_regression = by_id()[task.scenario].effect is not None
    known = _KAYENTA_REGRESSION if is_regression else _KAYENTA_HEALTHY
    slow = KAYENTA if task.shard < known // SHARD else {}
    return {OURS: judge(), **OTHERS, **slow}


def outcome_of(rule: Rule, batch: Batch) -> dict[str, Any]:
    """When it rolled back, and how many requests the canary spoilt until then."""
    minutes = rule(batch)
    harmed = batch.harm.cumsum(axis=1)
    until = [row[(minute or len(row)) - 1] for row, minute in zip(harmed, minutes, strict=True)]
    return {"minutes": minutes.tolist(), "harm": round(float(sum(until)), 3)}


def _on(ladder: Ladder, name: str) -> Scenario:
    return replace(by_id()[name], ladder=ladder)
