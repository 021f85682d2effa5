"""From a rollout's tally to what a look may say: documents for the judge, and its answer in ours.

While the canary has a part of the traffic it is compared with stable. At all traffic there is
nothing to compare with: a guard holds it against the rate that config.json allows, with a chance
of its own to be wrong.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sluice.domain.judge import evaluate
from sluice.domain.measures import CANARY, STABLE, compared, guarded
from sluice.domain.rollout import Verdict
from sluice.domain.tally import rows_of
from sluice.domain.values import ALL_TRAFFIC, SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from sluice.domain.measures import Measure
    from sluice.domain.rollout import Rollout, Step
    from sluice.domain.tally import Start, Tally

UNANSWERED = 10
"""After so many looks in a row without an answer of CloudWatch nobody can judge."""
_MINUTE = 60
_BLIND_MINUTES = 5
_EXPECTED_A_MINUTE = 5.0
_SHORT_DIGEST = 12
_VERDICTS = {
    "rollback": Verdict.FAILED,
    "promote": Verdict.PASSED,
    "hold": Verdict.INCONCLUSIVE,
    "keep_baking": None,
}


class Evidence(Value):
    """What a verdict stands on: the judge's document and its answer, as they were."""

    schema_version: int = SCHEMA_VERSION
    rollout: str
    begins: Moment
    """The beginning of the document's first minute."""
    document: dict[str, Any]
    answer: dict[str, Any]

    @cached_property
    def name(self) -> str:
        """What it is stored as: how many minutes it stands on, and the digest of its text."""
        minutes = max(len(one["minutes"]) for one in self.document["metrics"].values())
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return f"{minutes:05d}-{digest[:_SHORT_DIGEST]}"

    def canonical(self) -> str:
        """The one spelling of it."""
        return self.text

    @cached_property
    def text(self) -> str:
        """`canonical`, written once: two days of minutes take a while."""
        return canonical(self.model_dump(mode="json"))

    def replayed(self) -> Evidence:
        """The same document, judged again. Raises JudgeDocumentError."""
        return Evidence(
            schema_version=self.schema_version,
            rollout=self.rollout,
            begins=self.begins,
            document=self.document,
            answer=evaluate(self.document),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What the tally says of the step in effect."""

    verdict: Verdict | None = None
    reason: str = ""
    requests: int = 0
    """What the canary answered in this step, as far as it is known."""
    evidence: Evidence | None = None


def canonical(value: Any) -> str:
    """JSON in one spelling: sorted names, no spaces."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def find(tally: Tally, rollout: Rollout) -> Finding:
    """What can be said of the step in effect."""
    if not tally.starts:
        return Finding()
    start = tally.starts[-1]
    requests = _requests(tally, rollout, start)
    if tally.unread >= UNANSWERED:
        reason = f"CloudWatch did not answer {tally.unread} looks in a row"
        return Finding(Verdict.INCONCLUSIVE, reason, requests)
    document = _document(tally, rollout, start)
    if document is None:
        return Finding(requests=requests)
    answer = evaluate(document)
    evidence = Evidence(
        rollout=tally.rollout, begins=_first(tally, start).since, document=document, answer=answer
    )
    verdict = _VERDICTS[answer["verdict"]]
    if verdict is not Verdict.FAILED and not tally.within(start.since):
        return Finding(requests=requests)  # it was said of the step before
    return Finding(verdict, answer["reason"], requests, evidence)


def _document(tally: Tally, rollout: Rollout, start: Start) -> dict[str, Any] | None:
    """What the judge is given; None while there is nothing to judge, or nothing to fall back to."""
    judged = rollout.stable is not None and bool(rollout.steps)
    if not judged or not tally.within(_first(tally, start).since):
        return None
    if start.weight == ALL_TRAFFIC:
        return _guard(tally, rollout, start)
    return _comparison(tally, rollout, start)


def _comparison(tally: Tally, rollout: Rollout, start: Start) -> dict[str, Any]:
    step, began = rollout.steps[start.position], tally.starts[0].since
    rows = tally.within(began)
    history = tally.within(tally.begins or began, began)
    where = [(one.position, one.weight / ALL_TRAFFIC) for one in _starts_of(tally, rows)]
    metrics = {}
    for measure in compared(rollout.policy):
        canary, stable = (tally.pairs(side, measure, rows) for side in (CANARY, STABLE))
        metrics[measure.name] = {
            "history": _known(tally, measure, history),
            "minutes": [
                {"n_c": n_c, "x_c": x_c, "n_s": n_s, "x_s": x_s, "step": at, "weight": weight}
                for (n_c, x_c), (n_s, x_s), (at, weight) in zip(canary, stable, where, strict=True)
            ],
            **_kind_of(measure),
        }
    return {
        "config": rollout.policy.analysis,
        "policy": _policy(rollout, step, step.max_seconds, last_step=len(rollout.compared) - 1),
        "metrics": metrics,
    }


def _guard(tally: Tally, rollout: Rollout, start: Start) -> dict[str, Any]:
    first, began = _first(tally, start), tally.starts[0].since
    step = rollout.steps[-1]
    rows = tally.within(first.since)
    history = tally.within(tally.begins or began, began)
    metrics = {
        measure.name: {
            "kind": "slo",
            "slo": rollout.policy.allowed[measure.name],
            "history": _known(tally, measure, history),
            "minutes": [
                {"n_c": n, "x_c": x, "n_s": None, "x_s": None, "step": 0, "weight": 1}
                for n, x in tally.pairs(CANARY, measure, rows)
            ],
        }
        for measure in guarded(rollout.policy)
    }
    return {
        "config": {**rollout.policy.analysis, "alpha": rollout.policy.guard_alpha},
        "policy": _policy(rollout, step, step.min_seconds, last_step=0),
        "metrics": metrics,
    }


def _policy(rollout: Rollout, step: Step, longest: int, *, last_step: int) -> dict[str, Any]:
    """How long the step takes, in rows of the tally."""
    period = rollout.policy.period
    most = rows_of(max(longest, step.data_seconds), period)
    return {
        "min_bake": rows_of(step.data_seconds, period),
        "max_bake": most,
        "last_max_bake": most,
        "last_step": last_step,
        "blind_hold": max(1, rows_of(_BLIND_MINUTES * _MINUTE, period)),
        "expected_floor": _EXPECTED_A_MINUTE * period / _MINUTE,
    }


def _kind_of(measure: Measure) -> dict[str, Any]:
    if measure.score is None:
        return {}
    score = measure.score
    margin = {} if score.margin_drop is None else {"margin_drop": score.margin_drop}
    return {"kind": "mean", "tolerate_drop": score.tolerate_drop, **margin}


def _known(tally: Tally, measure: Measure, rows: range) -> list[list[float | None]]:
    pairs = tally.pairs(STABLE, measure, rows)
    return [[n, x] for n, x in pairs if n is not None and x is not None]


def _starts_of(tally: Tally, rows: range) -> list[Start]:
    """The step that each of the rows belongs to."""
    found: list[Start] = []
    for start in tally.starts:
        begins = tally.within(start.since).start
        found[max(0, begins - rows.start) :] = [start] * max(0, rows.stop - max(begins, rows.start))
    return found


def _first(tally: Tally, start: Start) -> Start:
    """The first of the steps judged together with this one: those compared, or at all traffic."""
    whole = start.weight == ALL_TRAFFIC
    return next(one for one in tally.starts if (one.weight == ALL_TRAFFIC) is whole)


def _requests(tally: Tally, rollout: Rollout, start: Start) -> int:
    (measure, *_) = guarded(rollout.policy)
    pairs = tally.pairs(CANARY, measure, tally.within(start.since))
    return int(sum(n or 0 for n, _ in pairs))
