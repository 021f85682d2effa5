"""Step 11: what served when, as the ledger has it, against what the client counted."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from demo.counting import by_version, failures, served_in_turn
from demo.releases import check_answers
from demo.rows import Kind

if TYPE_CHECKING:
    from demo.account import Entry
    from demo.stage import Stage

HISTORY = [1, 2, 4, 2, 1, 5, 1, 6]
FAILING = {
    (3, Kind.INCOMPLETE),
    (4, Kind.SCIENTIFIC),
    (5, Kind.WITH_UNIT),
    (1, Kind.WITH_UNIT),
}
"""Which version fails at which rows."""
_LEAST_RUN = 30
"""Requests in a row to one version that a canary at 50 % gets once in a billion."""


def tell_what_served(stage: Stage) -> None:
    """Print the ledger's account and compare it with the client's."""
    stage.traffic.stop()
    entries = stage.account.history()
    stage.narrator.table(
        "What served when, from the ledger",
        ["#", "cloud's clock", "event", "about", "serves after it", "why"],
        [_cells(entry) for entry in entries],
    )
    check = stage.narrator.check
    numbers = [entry.n for entry in entries]
    check(
        "the history has no gap",
        numbers == list(range(1, len(entries) + 1)),
        f"{len(entries)} entries",
    )
    ledger = live_in_turn(entries)
    expected = ", ".join(map(str, HISTORY))
    check(f"the ledger's live versions are {expected}", ledger == HISTORY, str(ledger))
    answers = stage.traffic.answers()
    counted = served_in_turn(answers, least_run=_LEAST_RUN)
    check("the client counted the same ones, in the same order", counted == ledger, str(counted))
    check_answers(stage, answers)
    blamed = {(answer.version, answer.kind) for answer in failures(answers)}
    check(
        "users met errors where the story has them, nowhere else", blamed == FAILING, _totals(stage)
    )


def live_in_turn(entries: list[Entry]) -> list[int]:
    """The versions that were live, in order, each change once."""
    return [live for live, _ in groupby(e.live for e in entries if e.live is not None)]


def _cells(entry: Entry) -> list[str]:
    about = f"v{entry.version}" if entry.version else ""
    live = f"v{entry.live}" if entry.live else "nothing"
    return [str(entry.n), f"{entry.at:%H:%M:%S}", entry.event, about, live, entry.reason]


def _totals(stage: Stage) -> str:
    answers = stage.traffic.answers()
    failed = by_version(failures(answers))
    given = sorted(by_version(answers).items(), key=lambda item: item[0] or 0)
    return ", ".join(f"v{version}: {failed[version]} of {count}" for version, count in given)
