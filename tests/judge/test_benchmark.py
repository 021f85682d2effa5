"""The judge has not become worse, and the published results are those of this code."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks.judge.__main__ import IMAGES, PAGE, ROOT
from benchmarks.judge.plots import plots
from benchmarks.judge.quick import again, failures, picked, watched
from benchmarks.judge.results import read
from benchmarks.judge.tables import tables
from sluice.domain.judge import design_effect, mixture, rules, settings

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = min(2, os.cpu_count() or 1)
CLUMPS = "clumps of 3, 1k 1%"


def test_nothing_is_worse_than_it_may_be() -> None:
    assert failures(watched(), JOBS) == []


def test_three_scenarios_picked_by_the_revision_are_found_again_to_the_count() -> None:
    said = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    kept = read()
    for name in picked(said.stdout.strip() or kept.revision):
        before = kept.suites["panel"][name]
        after = again(name, before, JOBS)

        assert {rule: found.rate for rule, found in after.items()} == {
            rule: before[rule].rate for rule in after
        }, name
        assert {rule: found.minutes for rule, found in after.items()} == {
            rule: before[rule].minutes for rule in after
        }, name


@pytest.mark.parametrize("place", ["origin", "goals", "rules", "healthy", "regressions"])
def test_the_page_shows_the_results_file(place: str) -> None:
    table = tables(read())[place]

    assert f"<!-- begin: {place} -->\n\n{table}\n\n<!-- end: {place} -->" in PAGE.read_text()


def test_the_plots_show_the_results_file() -> None:
    for name, plot in plots(read()).items():
        assert (IMAGES / name).read_text() == plot


def no_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """One minute may add all the evidence there is."""
    monkeypatch.setattr(settings.Config, "cap", property(lambda _: float("inf")))


def no_design_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are taken for independent."""
    monkeypatch.setattr(rules, "design_effect", lambda _: 1.0)
    monkeypatch.setattr(design_effect.Dispersion, "shrunk_towards", lambda *_: 1.0)


def no_later_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is staked at the first minute."""
    monkeypatch.setattr(mixture, "_AT_ONCE", 1.0)
    monkeypatch.setattr(mixture, "_AT_A_STEP", 0.0)
    monkeypatch.setattr(mixture, "_AT_ANY_MINUTE", 0.0)


@pytest.mark.parametrize(
    ("bug", "shown_by"),
    [
        pytest.param(no_cap, "clumps of 3 the history did not show, 1k 1%", id="no cap"),
        pytest.param(no_design_effect, CLUMPS, id="no design effect"),
        pytest.param(no_later_start, "1k .1% x5 from minute 60", id="no start mixture"),
    ],
)
def test_a_planted_bug_is_noticed(
    bug: Callable[[pytest.MonkeyPatch], None], shown_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown_by in watched()

    bug(monkeypatch)

    assert len(failures([shown_by], jobs=1)) == 1
