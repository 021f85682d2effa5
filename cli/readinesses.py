"""`sluice readiness`: for each release a target may have to go back to, what stands in the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cli.errors import DONE, NOTHING
from cli.findings import UNREAD, exit_code, line, unread_state
from cli.stack import Connection
from cli.surroundings import readying
from cli.telling import say
from cli.verifications import asked, read_state
from sluice.adapters.ledger.targets import Targets
from sluice.domain.readiness import is_new
from sluice.domain.verifying import Severity, Unread

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.readiness import Readiness
    from sluice.domain.verifying import Finding
    from sluice.readying import Readying


class Answer(StrEnum):
    """What is answered of a target, for scripts."""

    RESTORABLE = "Restorable"
    """Each release that it may have to go back to is."""
    NOT_READY = "NotReady"
    """One of them lacks something."""
    UNREAD = "Unread"
    """Nothing is known to be lacking, and something could not be read."""
    NOTHING_YET = "NothingYet"
    """No release has served it: its first one has nothing to go back to."""
    NOTHING_LEFT = "NothingLeft"
    """None that has served it is still approved and not marked bad."""


_NOTHING = {
    Answer.NOTHING_YET: "nothing to go back to yet: no release has served it",
    Answer.NOTHING_LEFT: "nothing left to go back to: none that served it well is still approved "
    "and not marked bad",
}


def readiness(options: Namespace) -> int:
    """0: each can be gone back to; 1: one cannot; 3: something could not be read; 4: there is none.

    What is lacking goes before what is not known, and that before a target that has none.

    Raises UnusableError where nothing can be asked.
    """
    connection = Connection(options)
    targets = Targets(connection.table())
    named = asked(targets, options)
    if named is None:
        return UNREAD
    asking = readying(connection)
    found = [_looked(asking, targets, one) for one in named]
    _tell(found, as_json=options.json)
    code = exit_code(each for one in found for each in _findings(one))
    return NOTHING if code == DONE and any(one["answer"] in _NOTHING for one in found) else code


def _looked(asking: Readying, targets: Targets, target: str) -> dict[str, Any]:
    state = read_state(targets, target)
    if isinstance(state, Unread):
        found = unread_state(target, state)
        return {"target": target, "answer": Answer.UNREAD, "releases": (), "findings": found}
    ways = asking.look(asking.landings(state), at=datetime.now(UTC))
    answer = _answer(ways, new=is_new(state))
    return {"target": target, "answer": answer, "releases": ways, "findings": ()}


def _answer(ways: tuple[Readiness, ...], *, new: bool) -> Answer:
    if not ways:
        return Answer.NOTHING_YET if new else Answer.NOTHING_LEFT
    severities = {each.severity for way in ways for each in way.findings}
    if severities - {Severity.UNREADABLE}:
        return Answer.NOT_READY
    return Answer.UNREAD if severities else Answer.RESTORABLE


def _findings(one: dict[str, Any]) -> tuple[Finding, ...]:
    ways: tuple[Readiness, ...] = one["releases"]
    return (*one["findings"], *(each for way in ways for each in way.findings))


def _tell(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        targets = [_document(one) for one in found]
        ready = all(one["answer"] is Answer.RESTORABLE for one in found)
        print(json.dumps({"ready": ready, "targets": targets}, indent=2, ensure_ascii=False))
        return
    for one in found:
        ways: tuple[Readiness, ...] = one["releases"]
        say(f"{one['target']}: {_summary(one)}")
        for way in ways:
            say(f"  {way.release}: {'restorable' if way.restorable else 'not ready'}")
        for each in _findings(one):
            say(line(each))


def _summary(one: dict[str, Any]) -> str:
    ways: tuple[Readiness, ...] = one["releases"]
    if one["findings"]:
        return "unknown"
    if one["answer"] in _NOTHING:
        return _NOTHING[one["answer"]]
    ready = [str(way.release) for way in ways if way.restorable]
    return f"can go back to {', '.join(ready)}" if ready else "can go back to nothing"


def _document(one: dict[str, Any]) -> dict[str, Any]:
    ways: tuple[Readiness, ...] = one["releases"]
    return {
        "target": one["target"],
        "answer": str(one["answer"]),
        "restorable": [str(way.release) for way in ways if way.restorable],
        "releases": [
            {
                "release": str(way.release),
                "restorable": way.restorable,
                "findings": [each.model_dump(mode="json") for each in way.findings],
            }
            for way in ways
        ],
        "findings": [each.model_dump(mode="json") for each in one["findings"]],
    }
