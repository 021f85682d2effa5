"""The rules of others say what their own projects' users saw them say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.judge import rules
from benchmarks.judge.generator import generate
from benchmarks.judge.kayenta import is_high, shift
from benchmarks.judge.scenarios import by_id
from benchmarks.judge.suites import KAYENTA, OTHERS

SPIKES, QUIET = [100.0] * 7 + [1.0] * 3, [1.0] * 10


def test_kayenta_finds_the_figures_that_its_users_debugged() -> None:
    """spinnaker/spinnaker issue 6278: seven of ten minutes a hundred times worse, and it passes."""
    found = shift(SPIKES, QUIET)

    assert found.lower == pytest.approx(6.825022991538788e-05, abs=1e-9)
    assert found.upper == pytest.approx(99.0, abs=1e-9)
    assert found.estimate == pytest.approx(98.99992904170193, abs=1e-9)
    assert not is_high(SPIKES, QUIET)


def test_kayenta_fails_with_the_eighth_value() -> None:
    assert is_high([100.0] * 8 + [1.0] * 2, QUIET)


def test_kayenta_does_not_see_sparse_errors() -> None:
    """spinnaker/kayenta issue 426."""
    assert not is_high([0.0, 1.0, 2.0, 1.0, 0.0, 0.0], [0.0] * 6)


def test_kayenta_passes_equal_data_and_none() -> None:
    assert not is_high([1.0, 2.0], [2.0, 1.0])
    assert not is_high([], [1.0])
    assert not is_high([1.0], [1.0, 1.0])
    assert not is_high([1.0], [0.0, 0.0]), "an error of the tool is no verdict"


def a_batch(name: str = "1000/min base 1%") -> rules.Batch:
    """Some rollouts of a scenario."""
    return generate(by_id()[name], 0, rollouts=20)


def test_no_data_fails_flaggers_check_and_argos_condition() -> None:
    batch = a_batch()
    batch.known[:] = False

    assert set(rules.flagger_docs(batch).tolist()) == {10}
    assert set(rules.argo_docs(batch).tolist()) == {20}


def test_the_documented_sagemaker_alarm_never_fires_whatever_happens() -> None:
    batch = a_batch()
    batch.x_c[:], batch.x_s[:] = batch.n_c, batch.n_s

    assert set(rules.sagemaker_documented(batch).tolist()) == {0}
    assert set(rules.sagemaker_corrected(batch).tolist()) == {20}


def test_the_sample_alarm_of_sam_fires_at_the_second_minute_with_an_error() -> None:
    batch = a_batch()
    batch.x_c[:] = 0
    batch.x_c[:, [4, 6, 7]] = 1

    assert set(rules.sam_alarm(batch).tolist()) == {8}


@pytest.mark.parametrize("name", [*OTHERS, *KAYENTA])
def test_a_rule_looks_only_at_what_was_there(name: str) -> None:
    """What comes after a rule's verdict does not change it."""
    rule = {**OTHERS, **KAYENTA}[name]
    whole, cut = a_batch("1000/min base 1% x5"), a_batch("1000/min base 1% x5")
    before = rule(whole)
    cut.x_c[:, 60:], cut.x_s[:, 60:] = 0, 0
    after = rule(cut)

    early = (before > 0) & (before <= 60)
    assert np.array_equal(before[early], after[early])
