"""A target's past as it lies in the ledger, or in a bundle: items, not yet believed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from sluice.domain.history import Entry, content_hash
from sluice.domain.values import SCHEMA_VERSION, Moment, Value

HISTORY = "HISTORY#"
BEGINNING, STATE = "the beginning", "STATE"
_KEY = re.compile(rf"{HISTORY}(\d{{8,18}})")


class Recorded(Value):
    """What the ledger holds of a target's past, as it is stored."""

    target: str
    state: dict[str, Any] | None
    """Of `STATE`, what the history is held against; None where there is no such item."""
    history: tuple[dict[str, Any], ...]
    """The entries' items, keys included, in the order of their keys."""


class Bundle(Value):
    """The past of some targets, to be audited without the ledger."""

    kind: Literal["sluice-audit"] = "sluice-audit"
    schema_version: int = SCHEMA_VERSION
    made_at: Moment
    recorded: tuple[Recorded, ...]


class Flaw(Value):
    """Something in a history that does not fit."""

    number: int
    """Of the entry; 0 where that cannot be told, or it is `STATE` alone."""
    says: str
    between: tuple[str, str]
    """The two that it stands between."""

    def __str__(self) -> str:
        where = f"entry {self.number}" if self.number else STATE
        return f"{where}: {self.says} (between {' and '.join(self.between)})"


@dataclass(frozen=True, slots=True)
class Record:
    """One stored entry."""

    number: int
    """Where it belongs: what it says itself if its hash bears it out, else what its key says."""
    target: str
    stored: dict[str, Any]
    content: dict[str, Any]
    hash: str
    """Of its content, as it should be."""
    entry: Entry | None
    """None where it cannot be read as one."""

    @property
    def is_intact(self) -> bool:
        """Whether its content has the hash that it says."""
        return self.content.get("hash") == self.hash

    @property
    def is_in_place(self) -> bool:
        """Whether it lies under its own key."""
        key = {"pk": f"TARGET#{self.target}", "sk": f"{HISTORY}{self.number:08d}"}
        return {name: self.stored.get(name) for name in key} == key


def record(target: str, stored: dict[str, Any]) -> Record:
    """The entry in an item of the ledger, whatever state it is in."""
    content = {name: value for name, value in stored.items() if name not in {"pk", "sk"}}
    computed = content_hash(content)
    said, key = content.get("n"), _KEY.fullmatch(str(stored.get("sk")))
    said = said if type(said) is int else 0
    number = said if content.get("hash") == computed or key is None else int(key[1])
    return Record(number, target, stored, content, computed, _entry(content))


def _entry(content: dict[str, Any]) -> Entry | None:
    try:
        entry = Entry.model_validate_json(json.dumps(content, default=repr), strict=True)
    except ValidationError:
        return None
    return entry if entry.at.tzinfo else None
