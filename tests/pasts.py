"""Histories as the ledger holds them, item by item."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import settings

from sluice.domain.auditing import audit
from sluice.domain.history import Entry, chronicle, content_hash
from sluice.domain.recorded import Recorded
from sluice.domain.target import Change, Event, TargetState
from tests.builders import CANARY, EXECUTION, STABLE, TARGET, after

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.rollout import Deployed


def tell(state: TargetState, *events: Event, **changes: Any) -> tuple[TargetState, list[Entry]]:
    """The state changed so, and what that adds to the history."""
    state, entries = chronicle(Change(state.model_copy(update=changes), events))
    return state, list(entries)


def a_past() -> tuple[TargetState, list[Entry]]:
    """Version 3 deployed, version 4 shifted, promoted, and taken back for an alarm; then a halt.

    Each entry a minute after the one before it, the first at `AT`.
    """
    state, past = TargetState(target=TARGET), list[Entry]()
    for said, changes in _steps():
        state, entries = tell(state, said, **changes)
        past += entries
    return state, past


def live_through(
    targets: Targets,
    target: str = TARGET,
    *,
    stable: Deployed = STABLE,
    canary: Deployed = CANARY,
) -> TargetState:
    """The same past, written into the ledger entry by entry."""
    for said, changes in _steps(stable, canary):

        def decide(
            state: TargetState | None, said: Event = said, changes: dict[str, Any] = changes
        ) -> Change:
            before = state or TargetState(target=target)
            return Change(before.model_copy(update=changes), (said,))

        targets.change(target, decide)
    state = targets.read(target)
    assert state
    return state


def _steps(
    stable: Deployed = STABLE, canary: Deployed = CANARY
) -> Iterator[tuple[Event, dict[str, Any]]]:
    for minute, (event, reason, live, changes) in enumerate(_story(stable, canary)):
        release = (canary if minute >= 4 else stable).release
        evidence = "00004-abc" if event == "RolledBack" else ""
        said = Event(after(60 * minute), event, reason, release, evidence)
        yield said, {"live": live, **changes}


def _story(
    stable: Deployed, canary: Deployed
) -> Sequence[tuple[str, str, Deployed | None, dict[str, Any]]]:
    first = {"epoch": 3, "holder": "churn-g1-e3"}
    then = {"epoch": 5, "holder": EXECUTION}
    return (
        ("Approved", "approved by alice", None, {}),
        ("RolloutStarted", "AllAtOnce: approved", None, first),
        ("Promoted", "every step passed", stable, first),
        ("Settled", "Promoted", stable, {"epoch": 3, "holder": ""}),
        ("Approved", "approved by bob", stable, {}),
        ("RolloutStarted", "Canary: approved", stable, then),
        ("Shifted", "v3-e3 90 %, v4-e5 10 %", stable, then),
        ("Promoted", "every step passed", canary, then),
        ("RolledBack", "alarm errors: 0.5", stable, then),
        ("Settled", "RolledBack", stable, {"holder": ""}),
        ("Halted", "a second alarm within the cool-down", stable, {}),
    )


def stored(entry: Entry, target: str = TARGET) -> dict[str, Any]:
    """The item of an entry."""
    body = entry.model_dump(mode="json", exclude_none=True)
    return {"pk": f"TARGET#{target}", "sk": f"HISTORY#{entry.n:08d}", **body}


def recorded(state: TargetState | None, entries: Sequence[Entry]) -> Recorded:
    """What the ledger holds of them."""
    held = state.model_dump(mode="json", exclude_none=True) if state else None
    return Recorded(target=TARGET, state=held, history=tuple(map(stored, entries)))


unhurried = settings(deadline=None)
"""How long an example takes is the machine's affair."""

SOUND = recorded(*a_past())
"""A history of eleven entries as the ledger holds it."""
LENGTH = len(SOUND.history)


def items() -> list[dict[str, Any]]:
    """The items of `SOUND`, to be falsified."""
    return copy.deepcopy(list(SOUND.history))


def altered(items: list[dict[str, Any]], **changes: Any) -> Recorded:
    """`SOUND` with other items."""
    return SOUND.model_copy(update={"history": tuple(items), **changes})


def rehashed(item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An entry rewritten together with its hash."""
    content = {name: one for name, one in item.items() if name not in {"pk", "sk"}} | changes
    return {**item, **changes, "hash": content_hash(content)}


def named(found: Recorded) -> set[int]:
    """The numbers that an audit names."""
    return {flaw.number for flaw in audit(found)}
