"""Results of benchmarks: what counts as risen, and what the page says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.artifact import Size
from benchmarks.cold_start import PAGE, RESULTS
from benchmarks.report import markdown, write_into
from benchmarks.results import Event, Result, Timing, dump_result, load_result, risen
from benchmarks.scenario import REFERENCE

if TYPE_CHECKING:
    from pathlib import Path

SIZE = Size(files=100, bytes=1_000_000, zipped_bytes=300_000, sources=80, compiled=80)
EVENT = Event("handle_alarm", "alarm on a canary", 1_000_000, 2_000_000, ["dynamodb:GetItem"] * 2)


def a_result(**changes: object) -> Result:
    """A result of one function."""
    result = Result(
        date="2026-05-03",
        revision="9f8d111",
        note="",
        python="3.13.0",
        valgrind="3.19.0",
        events=[EVENT],
        sizes={"SharedLayer": SIZE},
        timings=[Timing("handle_alarm", "alarm on a canary", 100.0, 120.0, 40.0)],
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def rise(*, event: Event = EVENT, size: Size = SIZE) -> list[str]:
    """What rose from the result above to one with another event or another size."""
    return risen(a_result(), a_result(events=[event], sizes={"SharedLayer": size}))


def test_nothing_rose_between_two_results_that_are_the_same() -> None:
    assert rise() == []


@pytest.mark.parametrize("figure", ["init_instructions", "instructions"])
def test_instructions_may_differ_by_a_fiftieth(figure: str) -> None:
    before = getattr(EVENT, figure)

    assert rise(event=replace(EVENT, **{figure: before * 102 // 100})) == []
    assert len(rise(event=replace(EVENT, **{figure: before * 102 // 100 + 1}))) == 1


def test_one_more_call_has_risen_and_one_less_has_not() -> None:
    more = replace(EVENT, calls=[*EVENT.calls, "sns:Publish"])
    fewer = replace(EVENT, calls=EVENT.calls[1:])

    assert rise(event=more) == ["handle_alarm, alarm on a canary: AWS calls: 3 after 2"]
    assert rise(event=fewer) == []


def test_a_call_of_one_operation_makes_not_up_for_one_of_another() -> None:
    before = a_result(events=[replace(EVENT, calls=["a:Read", "a:Read", "a:Write"])])
    after = a_result(events=[replace(EVENT, calls=["a:Read", "a:Write", "a:Write"])])

    assert risen(before, after) == ["handle_alarm, alarm on a canary: a:Write: 2 after 1"]


def test_a_source_that_lost_its_byte_code_has_risen() -> None:
    assert rise(size=replace(SIZE, compiled=79)) == [
        "SharedLayer: sources without byte code: 1 after 0"
    ]


def test_a_larger_artifact_has_risen() -> None:
    assert rise(size=replace(SIZE, bytes=1_020_001)) == [
        "SharedLayer: bytes: 1,020,001 after 1,000,000"
    ]


def test_only_what_both_measured_is_compared() -> None:
    uncounted = replace(EVENT, init_instructions=None, instructions=None)
    other = replace(EVENT, function="watch_rollout", instructions=9_000_000)

    assert rise(event=uncounted) == []
    assert rise(event=other) == []


def test_what_is_not_ours_has_no_budget() -> None:
    usual = replace(EVENT, function=REFERENCE)
    costlier = replace(usual, instructions=9_000_000)

    assert risen(a_result(events=[usual]), a_result(events=[costlier])) == []


def test_a_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(dump_result(a_result()))

    assert load_result(file) == a_result()


def test_figures_are_put_on_the_page_between_its_words(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- begin: figures -->\nold\n<!-- end: figures -->\nafter\n")

    write_into(page, a_result())

    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
    assert "old" not in page.read_text()
    assert "| handle_alarm | alarm on a canary | 1 | 2 |" in page.read_text()


def test_the_page_shows_a_committed_result_as_it_is() -> None:
    page = PAGE.read_text()
    shown = [file for file in RESULTS.glob("*.json") if f"results/{file.name}`" in page]

    assert len(shown) == 1
    assert markdown(load_result(shown[0])) in page
