"""A target's history: `TARGET#endpoint/{name} / HISTORY#n`, append-only, gapless and chained.

What happened is an `Event`; numbered and with the hash of its predecessor it is an `Entry`.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sluice.domain.release import ReleaseName
from sluice.domain.rollout import Deployed
from sluice.domain.values import SCHEMA_VERSION, Moment, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sluice.domain.target import Change, Event, TargetState


class Entry(Value):
    """One entry of a target's history; its hash covers its content and its predecessor's hash."""

    schema_version: int = SCHEMA_VERSION
    n: int
    at: Moment
    event: str
    reason: str
    release: ReleaseName | None = None
    live: Deployed | None = None
    """What served after this event."""
    evidence: str | None = None
    """Under which name the judge's evidence is stored; None: it was not the judge."""
    epoch: int
    execution: str
    previous: str
    hash: str = ""


def chronicle(change: Change) -> tuple[TargetState, tuple[Entry, ...]]:
    """Number and chain the change's events; the state that follows them, and the entries.

    Times never go backwards: events overtake each other, what served when must not.
    """
    state, entries = change.state, []
    for event in change.events:
        entry = _chained(state, event)
        entries.append(entry)
        last = {"history_length": entry.n, "history_hash": entry.hash, "history_at": entry.at}
        state = state.model_copy(update=last)
    return state, tuple(entries)


def entry_hash(entry: Entry) -> str:
    """What `hash` of an entry must be when it is written."""
    return content_hash(entry.model_dump(mode="json", exclude_none=True))


def content_hash(stored: Mapping[str, Any]) -> str:
    """The SHA-256 of an entry's canonical JSON without `hash`: what its `hash` must equal.

    Of what stands in the ledger, not of what we make of it: an entry that another version of Sluice
    wrote lacks the fields added since, and has its own hash all the same.
    """
    content = {name: value for name, value in stored.items() if name != "hash"}
    canonical = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=repr
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _chained(state: TargetState, event: Event) -> Entry:
    entry = Entry(
        n=state.history_length + 1,
        at=max(event.at, state.history_at) if state.history_at else event.at,
        event=event.event,
        reason=event.reason,
        release=event.release,
        live=state.live,
        evidence=event.evidence or None,
        epoch=state.epoch,
        execution=state.holder,
        previous=state.history_hash,
    )
    return entry.model_copy(update={"hash": entry_hash(entry)})
