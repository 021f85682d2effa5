"""Whether a target's history is the one that was written: each entry, and how they hang together.

What is checked is what is stored, field by field as it lies there. An entry hashes its content and
names the hash of the one before; `STATE` holds number, hash and time of the newest. Whoever can
write the ledger could forge everything from one entry on, with `STATE`: against that helps only a
bundle kept elsewhere.
"""

from __future__ import annotations

import json
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sluice.domain.recorded import BEGINNING, STATE, Flaw, Record, Recorded, record
from sluice.domain.rollout import Deployed
from sluice.domain.values import iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def audit(recorded: Recorded, *, whole: bool = True) -> tuple[Flaw, ...]:
    """Everything in the target's history that does not fit, by number; nothing if it is sound.

    Of a history that is not `whole` the oldest entries were not read, and nothing is said of them.
    """
    records = [record(recorded.target, stored) for stored in recorded.history]
    chain, doubles = _chain(records)
    state = recorded.state
    flaws = [
        *_order(records),
        *_doubles(doubles),
        *(flaw for near in _neighbours(chain) for flaw in _alone(*near)),
        *(flaw for before, after in pairwise(chain) for flaw in _link(before, after)),
        *(_first(chain) if whole else ()),
        *(_head(state, chain) if state is not None else _headless(chain)),
    ]
    return tuple(sorted(flaws, key=lambda flaw: flaw.number))


def _chain(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """One record for each number, ascending, and those that there is no room for."""
    chain, doubles = list[Record](), list[Record]()
    for _, group in groupby(sorted(records, key=_number), key=_number):
        before = chain[-1].hash if chain else ""
        best, *others = sorted(group, key=lambda one: _fits(one, before), reverse=True)
        (chain if best.number > 0 else doubles).append(best)
        doubles += others
    return chain, doubles


def _number(record: Record) -> int:
    return record.number


def _fits(record: Record, before: str) -> tuple[bool, bool, bool]:
    return record.is_intact, record.content.get("previous") == before, record.is_in_place


def _order(records: Sequence[Record]) -> Iterator[Flaw]:
    for before, after in pairwise(records):
        if 0 < after.number < before.number:
            between = (f"entry {before.number}", f"entry {before.number + 1}")
            yield Flaw(number=after.number, says="it does not stand in its place", between=between)


def _doubles(doubles: Sequence[Record]) -> Iterator[Flaw]:
    for one in doubles:
        key, number = one.stored.get("sk"), max(one.number, 0)
        says = f"{key!r} was put in: numbers begin at 1, and each is there once"
        yield Flaw(number=number, says=says, between=_around(number))


def _neighbours(chain: Sequence[Record]) -> Iterator[tuple[Record, tuple[str, str]]]:
    """Each record with the two that it stands between."""
    names = [BEGINNING, *(f"entry {one.number}" for one in chain), STATE]
    for position, one in enumerate(chain):
        yield one, (names[position], names[position + 2])


def _alone(record: Record, between: tuple[str, str]) -> Iterator[Flaw]:
    """What does not fit about one record, whatever stands beside it."""
    number, content = record.number, record.content
    if not record.is_intact:
        says = f"its content has the hash {record.hash}, and it says {content.get('hash')!r}"
        yield Flaw(number=number, says=says, between=between)
    if content.get("n") != number or not record.is_in_place:
        keys = f"{record.stored.get('pk')!r}, {record.stored.get('sk')!r}"
        says = f"it says it is number {content.get('n')!r} and lies under {keys}"
        yield Flaw(number=number, says=says, between=between)
    if record.entry is None:
        yield Flaw(number=number, says="it cannot be read as an entry", between=between)


def _link(before: Record, after: Record) -> Iterator[Flaw]:
    """What does not fit about two records, one of which follows the other."""
    between = (f"entry {before.number}", f"entry {after.number}")
    if after.number > before.number + 1:
        says = f"{_entries(before.number + 1, after.number - 1)} missing"
        yield Flaw(number=before.number + 1, says=says, between=between)
    elif after.content.get("previous") not in {before.hash, before.content.get("hash")}:
        says = (
            f"entry {after.number} names {after.content.get('previous')!r} as its predecessor's "
            f"hash, entry {before.number} has {before.hash}: one of them was rewritten"
        )
        number = before.number if after.is_intact else after.number
        yield Flaw(number=number, says=says, between=between)
    one, two = before.entry, after.entry
    if one and two and two.epoch < one.epoch:
        says = f"its epoch is {two.epoch}, after {one.epoch}: epochs never fall back"
        yield Flaw(number=after.number, says=says, between=between)
    if one and two and two.at < one.at:
        says = f"it is dated {iso(two.at)}, after {iso(one.at)}: times never go backwards"
        yield Flaw(number=after.number, says=says, between=between)


def _first(chain: Sequence[Record]) -> Iterator[Flaw]:
    if not chain:
        return
    first = chain[0]
    between = (BEGINNING, f"entry {first.number}")
    if first.number > 1:
        says = f"{_entries(1, first.number - 1)} missing"
        yield Flaw(number=1, says=says, between=between)
    elif first.content.get("previous") != "":
        says = f"it names the predecessor {first.content.get('previous')!r}: the first has none"
        yield Flaw(number=1, says=says, between=between)


def _headless(chain: Sequence[Record]) -> Iterator[Flaw]:
    last = f"entry {chain[-1].number}" if chain else BEGINNING
    yield Flaw(number=0, says="there is no such item", between=(last, "the end"))


def _head(state: dict[str, Any], chain: Sequence[Record]) -> Iterator[Flaw]:
    """What does not fit about the newest record and what STATE says of it."""
    last = chain[-1] if chain else None
    number, length = last.number if last else 0, state.get("history_length", 0)
    between = (f"entry {number}" if last else BEGINNING, STATE)
    if type(length) is not int or length < 0:
        yield Flaw(number=0, says=f"it counts {length!r} entries", between=between)
    elif length > number:
        says = f"{_entries(number + 1, length)} missing: STATE counts {length}"
        yield Flaw(number=number + 1, says=says, between=between)
    elif length < number:
        says = f"{_entries(length + 1, number)} too many: STATE counts {length}"
        yield Flaw(number=length + 1, says=says, between=between)
    else:
        for says in _disagreements(state, last):
            yield Flaw(number=number, says=says, between=between)


def _disagreements(state: dict[str, Any], last: Record | None) -> Iterator[str]:
    """What STATE says otherwise than the newest entry, which it counts."""
    known = {last.hash, last.content.get("hash")} if last else {""}
    if state.get("history_hash", "") not in known:
        yield f"STATE holds {state.get('history_hash')!r} as the newest entry's hash"
    entry = last.entry if last else None
    if last and entry is None:
        return  # that it cannot be read is said of it
    at, held = (iso(entry.at) if entry else None), state.get("history_at")
    if held not in {None, at}:
        yield f"STATE dates the newest entry {held!r}, it is dated {at}"
    epoch = state.get("epoch", 0)
    if type(epoch) is not int or (entry and epoch < entry.epoch):
        yield f"STATE is in epoch {epoch!r}, the newest entry was in {entry and entry.epoch}"
    serves, served = _serving(state.get("live")), (entry.live if entry else None)
    if serves != served:
        differ = _differing(serves, served)
        yield f"STATE says that {_told(serves)} serves, the newest entry {_told(served)}{differ}"


def _serving(live: Any) -> Deployed | str | None:
    """What serves, as a value: an older Sluice wrote fewer fields of the same."""
    if live is None:
        return None
    try:
        return Deployed.model_validate_json(json.dumps(live, default=repr), strict=True)
    except ValidationError:
        return "something that cannot be read"


def _told(live: Deployed | str | None) -> str:
    if isinstance(live, Deployed):
        return f"{live.release} ({live.variant}, digest {live.digest})"
    return live or "nothing"


def _differing(one: Deployed | str | None, two: Deployed | str | None) -> str:
    if not isinstance(one, Deployed) or not isinstance(two, Deployed):
        return ""
    said, meant = one.model_dump(mode="json"), two.model_dump(mode="json")
    differ = sorted(name for name in said | meant if said.get(name) != meant.get(name))
    return f"; they differ in {', '.join(differ)}"


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _around(number: int) -> tuple[str, str]:
    before = f"entry {number - 1}" if number > 1 else BEGINNING
    return before, f"entry {number + 1}"
