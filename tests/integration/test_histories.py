"""A history is read as it lies there, and as of one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sluice.adapters.ledger.histories import GrowingError, Histories
from sluice.adapters.ledger.targets import Targets
from sluice.domain.target import Change, Event
from tests.builders import TARGET, after
from tests.pasts import live_through

if TYPE_CHECKING:
    from sluice.adapters.ledger.table import Table


def test_what_is_written_meanwhile_is_read_again(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query that began before an entry was written does not have it; STATE counts it already."""
    live_through(Targets(table))
    targets, real, left = Targets(table), table.query, [2]

    def query(pk: str, **how: Any) -> Any:
        found = list(real(pk, **how))
        if left[0]:
            left[0] -= 1
            said = Event(after(9_000), "Said", f"{left[0]}")
            targets.change(TARGET, lambda state: Change(state, (said,)) if state else None)
        return found

    monkeypatch.setattr(table, "query", query)
    recorded = Histories(table).read(TARGET)

    assert recorded
    assert recorded.state
    assert len(recorded.history) == recorded.state["history_length"] == 13

    left[0] = 99
    with pytest.raises(GrowingError, match="grows while it is read"):
        Histories(table).read(TARGET)


def test_there_is_nothing_of_a_target_nobody_wrote(table: Table) -> None:
    assert Histories(table).read(TARGET) is None
