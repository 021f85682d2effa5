"""The project's judge as a rule like the others: through its public function, once a rollout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.judge.generator import generate
from benchmarks.judge.scenarios import by_id
from sluice.domain.judge import evaluate

if TYPE_CHECKING:
    from benchmarks.judge.generator import Batch, Counts
    from benchmarks.judge.rules import Rule

MIN_BAKE = 5
_POLLS = 51


def judge(**config: float) -> Rule:
    """The judge with these settings, the rest by default."""

    def rolls_back(batch: Batch) -> Counts:
        found = (
            evaluate({**batch.doc(rollout), "config": config})["minute"] or 0
            for rollout in range(len(batch.n_c))
        )
        return np.fromiter(found, dtype=np.int64)

    return rolls_back


def promotions(batch: Batch) -> dict[str, list[int]]:
    """Each rollout on the ladder as it would really go: a step ends when it passes.

    The minute of the promotion, of the rollback, and of the hold with requests still needed.
    """
    ends: dict[str, list[int]] = {"promoted": [], "rolled back": [], "held": []}
    for rollout in range(len(batch.n_c)):
        outcome, minute = _climb(batch, rollout)
        for name, minutes in ends.items():
            minutes.append(minute if name == outcome else 0)
    return ends


def evidence_by_step(batch: Batch) -> dict[str, list[int]]:
    """The minute at which each step first had evidence to pass, whatever else was said."""
    steps = np.array(batch.scenario.ladder.steps)
    passes: dict[str, list[int]] = {f"step {step}": [] for step in sorted(set(steps.tolist()))}
    for rollout in range(len(batch.n_c)):
        answer = evaluate(batch.doc(rollout))
        enough = np.array(answer["log_e_promote"]) >= answer["thresholds"]["promote"]
        for step, minutes in enumerate(passes.values()):
            at = np.flatnonzero(enough & (steps == step))
            minutes.append(int(at[0]) + 1 if len(at) else 0)
    return passes


def milliseconds() -> float:
    """What one poll of three metrics costs after 90 minutes: CPU time, the least of some."""
    batch = generate(by_id()["1000/min base 1%"], 0, rollouts=3)
    metrics = {str(rollout): batch.doc(rollout) for rollout in range(3)}
    taken = []
    for _ in range(_POLLS):
        began = time.process_time()
        evaluate({"metrics": metrics})
        taken.append(time.process_time() - began)
    return round(1000 * min(taken), 2)


def _climb(batch: Batch, rollout: int) -> tuple[str, int]:
    path: list[int] = []
    begun = 0
    for count in batch.scenario.ladder.step_minutes:
        whole = [*path, *range(begun, begun + count)]
        answer = evaluate(batch.doc(rollout, whole))
        baked = _passes(answer, len(path))
        end = len(path) + (baked or count)
        if answer["minute"] and answer["minute"] <= end:
            return "rolled back", answer["minute"]
        if not baked and answer["verdict"] == "hold":
            return ("held" if answer["requests_needed"] else "held blindly"), end
        path = whole[:end]
        begun += count
    return "promoted", len(path)


def _passes(answer: dict[str, Any], before: int) -> int:
    """After how many minutes of its last step the evidence suffices; 0: never."""
    logs = answer["log_e_promote"][before:]
    limit = answer["thresholds"]["promote"]
    return next(
        (minute for minute, one in enumerate(logs, 1) if minute >= MIN_BAKE and one >= limit), 0
    )
