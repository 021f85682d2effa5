"""Evidence in the ledger: counted by one at a time, small, and the same when it is read."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.evidence import Evidences
from sluice.domain.judging import Evidence, find
from sluice.domain.policy import Policy
from sluice.domain.rollout import Phase, Step
from sluice.domain.tally import Tally, to_read
from tests.builders import AT, EXECUTION, TARGET, a_rollout, an_evidence

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table

LIMIT = 400 * 1024
"""Bytes of a DynamoDB item."""


@pytest.fixture
def evidences(table: Table) -> Evidences:
    return Evidences(table)


def test_what_was_counted_is_read_as_it_was(evidences: Evidences) -> None:
    tally = Tally(rollout=EXECUTION, begins=AT, columns=("a", "b"), rows=((1, None), (0.5, 2)))

    assert evidences.count(TARGET, tally)

    assert evidences.tally(TARGET, EXECUTION) == tally.model_copy(update={"revision": 1})
    assert evidences.tally(TARGET, "churn-g1-e6") is None


def test_of_two_looks_that_count_at_once_one_counts(evidences: Evidences) -> None:
    tally = Tally(rollout=EXECUTION)

    assert evidences.count(TARGET, tally)
    assert not evidences.count(TARGET, tally.not_read())

    stored = evidences.tally(TARGET, EXECUTION)
    assert stored
    assert evidences.count(TARGET, stored.not_read())


def test_evidence_is_found_by_its_rollout_and_is_no_tally(evidences: Evidences) -> None:
    one, other = an_evidence(), an_evidence(rollout="churn-g1-e6")
    evidences.count(TARGET, Tally(rollout=EXECUTION))
    for evidence in (one, other, one):
        evidences.store(TARGET, evidence)

    found = dict(evidences.of(TARGET, EXECUTION))

    assert found == {f"{EXECUTION}/{one.name}": one.canonical()}
    assert len(list(evidences.of(TARGET))) == 2


def test_two_days_of_three_noisy_metrics_fit_into_an_item(table: Table) -> None:
    steps = (Step(weight=50, min_seconds=300, max_seconds=90_000),)
    policy = Policy(latency_slo_ms=500)
    rollout = a_rollout(position=0, policy=policy, steps=(*steps, *a_rollout().steps[1:]))
    begun = Tally(rollout=EXECUTION).begun(rollout, Phase.BAKING, since=AT, now=AT)
    asked = to_read(begun, rollout, now=AT + timedelta(hours=50))
    assert asked
    minutes = int((asked.until - asked.since) / timedelta(minutes=1))
    chance = random.Random(7)  # noqa: S311 - counts, not secrets
    noise: dict[str, Any] = {
        column: {asked.since + timedelta(minutes=m): 4000 + chance.randint(0, 2000)}
        for column in asked.columns
        for m in range(minutes)
    }
    for column in asked.columns:
        most = 6000 if "Invocations" in column or "SampleCount" in column else 60
        noise[column] = {
            asked.since + timedelta(minutes=m): chance.randint(most // 2, most)
            for m in range(minutes)
        }
    tally = begun.read(asked, noise)
    evidence = find(tally, rollout).evidence
    assert isinstance(evidence, Evidence)
    assert minutes == 51 * 60

    evidences = Evidences(table)
    evidences.count(TARGET, tally)
    evidences.store(TARGET, evidence)

    sizes = [len(str(item["text"])) for item in table.query(f"EVIDENCE#{TARGET}")]
    assert len(sizes) == 2
    assert max(sizes) < LIMIT / 1.2, sizes
