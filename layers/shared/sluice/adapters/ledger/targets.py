"""Targets in the ledger: read, decide, write back only if nobody else wrote meanwhile."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

from sluice.adapters.ledger.table import ConditionFailedError, Item, Table
from sluice.domain.alarm import Watched
from sluice.domain.history import Entry, chronicle
from sluice.domain.parting import part
from sluice.domain.target import Change, TargetState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ATTEMPTS = 10
_BASE_SECONDS = 0.02
_INFLIGHT = "INFLIGHT"
_TARGETS = "TARGETS"


class ContentionError(Exception):
    """Others kept changing the target while we tried; the caller's retry will find it calmer."""


class Targets:
    """`TARGET#…`, `HISTORY#…`, `INFLIGHT` and `ALARM#…` items."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, target: str) -> TargetState | None:
        """The target's state, read consistently, or None for a target nobody approved for."""
        item = self._table.get(f"TARGET#{target}", "STATE")
        return _state(item) if item else None

    def change(
        self,
        target: str,
        decide: Callable[[TargetState | None], Change | None],
        *,
        also: Callable[[], list[Item]] = list,
    ) -> TargetState | None:
        """Apply `decide` to the state as it is, in one transaction with its history and `also`.

        `decide` is called again on the newer state when somebody else wrote first, so it must be
        pure. Returns the state that stands, None when `decide` returned None (nothing is written).
        Raises ContentionError after ten lost races, ConditionFailedError when `also` failed.
        """
        for attempt in range(_ATTEMPTS):
            state = self.read(target)
            change = decide(state)
            if change is None:
                return None
            try:
                return self._write(state, change, also())
            except ConditionFailedError as error:
                if not _lost_race(error):
                    raise
                time.sleep(random.uniform(0, _BASE_SECONDS * 2**attempt))  # noqa: S311 - jitter
        message = f"{target} kept changing"
        raise ContentionError(message)

    def unchanged(self, target: str, state: TargetState | None) -> Item:
        """A check that nobody wrote the target's state since it was read."""
        when, values = "attribute_not_exists(pk)", dict[str, Any]()
        if state:
            when, values = "revision = :revision", {":revision": state.revision}
        return self._table.check(f"TARGET#{target}", "STATE", when=when, values=values)

    def history(self, target: str, *, newest_first: bool = False) -> Iterator[Entry]:
        """The target's history, oldest first unless told otherwise."""
        items = self._table.query(f"TARGET#{target}", prefix="HISTORY#", newest_first=newest_first)
        return (Entry.model_validate(_without_keys(item)) for item in items)

    def in_flight(self) -> tuple[str, ...]:
        """Every target that a rollout holds."""
        return tuple(item["sk"] for item in self._table.query(_INFLIGHT))

    def known(self) -> tuple[str, ...]:
        """Every target that an approval has ever bound."""
        return tuple(item["sk"] for item in self._table.query(_TARGETS))

    def watched_by(self, alarm_arn: str) -> tuple[Watched, ...]:
        """What the alarm watches on each target; nothing for an alarm that is none of ours."""
        items = self._table.query(f"ALARM#{alarm_arn}", prefix="TARGET#")
        return tuple(Watched.model_validate(_without_keys(item)) for item in items)

    def watch(self, alarm_arn: str, watched: Watched) -> None:
        """Record what the alarm watches on a target; safe to repeat."""
        body = watched.model_dump(mode="json", exclude_none=True)
        keys = {"pk": f"ALARM#{alarm_arn}", "sk": f"TARGET#{watched.target}"}
        self._table.write(self._table.put({**keys, **body}))

    def forget(self, alarm_arn: str, target: str) -> None:
        """Forget that the alarm watches the target; safe to repeat."""
        self._table.write(self._table.delete(f"ALARM#{alarm_arn}", f"TARGET#{target}"))

    def _write(self, before: TargetState | None, change: Change, also: list[Item]) -> TargetState:
        revision = before.revision if before else 0
        state, entries = chronicle(Change(part(before, change), change.events))
        state = state.model_copy(update={"revision": revision + 1})
        operations = [self._put_state(before, state), *map(self._put_entry(state), entries)]
        operations += [*self._put_index(before, state), *also]
        self._table.write(*operations)
        return state

    def _put_state(self, before: TargetState | None, state: TargetState) -> Item:
        item = {"pk": f"TARGET#{state.target}", "sk": "STATE", **_item(state)}
        if before is None:
            return self._table.put(item, when="attribute_not_exists(pk)")
        return self._table.put(item, when="revision = :r", values={":r": before.revision})

    def _put_entry(self, state: TargetState) -> Callable[[Entry], Item]:
        def put(entry: Entry) -> Item:
            body = entry.model_dump(mode="json", exclude_none=True)
            keys = {"pk": f"TARGET#{state.target}", "sk": f"HISTORY#{entry.n:08d}"}
            return self._table.put({**keys, **body}, when="attribute_not_exists(pk)")

        return put

    def _put_index(self, before: TargetState | None, state: TargetState) -> Iterator[Item]:
        if before is None:
            yield self._table.put({"pk": _TARGETS, "sk": state.target})
        held_before = bool(before and before.holder)
        if state.holder and not held_before:
            yield self._table.put({"pk": _INFLIGHT, "sk": state.target, "holder": state.holder})
        if held_before and not state.holder:
            yield self._table.delete(_INFLIGHT, state.target)


def _item(state: TargetState) -> Item:
    """The state as the ledger holds it: the rollout as JSON text, as the machine writes it too."""
    body: dict[str, Any] = state.model_dump(mode="json", exclude_none=True)
    body = {name: value for name, value in body.items() if value not in ("", [], {})}
    if state.rollout:
        body["rollout"] = state.rollout.model_dump_json(exclude_none=True)
    return body


def _state(item: Item) -> TargetState:
    body = _without_keys(item)
    if "rollout" in body:
        body["rollout"] = json.loads(body["rollout"])
    return TargetState.model_validate(body)


def _without_keys(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in {"pk", "sk"}}


def _lost_race(error: ConditionFailedError) -> bool:
    """Whether the failed condition was the target's own, not one of `also`."""
    return not error.item or str(error.item["pk"]).startswith("TARGET#")
