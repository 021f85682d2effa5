"""`sluice readiness`: for each release a target may have to go back to, what stands in the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli.findings import UNREAD, exit_code, line, unread_state
from cli.stack import Connection
from cli.surroundings import readying
from cli.telling import say
from cli.verifications import asked, read_state
from sluice.adapters.ledger.targets import Targets
from sluice.domain.verifying import Unread

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.readiness import Readiness
    from sluice.domain.verifying import Finding
    from sluice.readying import Readying


def readiness(options: Namespace) -> int:
    """0: each can be gone back to; 1: one cannot; 3: something could not be read.

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
    return exit_code(each for one in found for each in _findings(one))


def _looked(asking: Readying, targets: Targets, target: str) -> dict[str, Any]:
    state = read_state(targets, target)
    if isinstance(state, Unread):
        return {"target": target, "releases": (), "findings": unread_state(target, state)}
    ways = asking.look(asking.landings(state), at=datetime.now(UTC))
    return {"target": target, "releases": ways, "findings": ()}


def _findings(one: dict[str, Any]) -> tuple[Finding, ...]:
    ways: tuple[Readiness, ...] = one["releases"]
    return (*one["findings"], *(each for way in ways for each in way.findings))


def _tell(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        targets = [_document(one) for one in found]
        ready = not any(_findings(one) for one in found)
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
    if not ways:
        return "no release to go back to: none that is approved has served it well"
    ready = [str(way.release) for way in ways if way.restorable]
    return f"can go back to {', '.join(ready)}" if ready else "can go back to nothing"


def _document(one: dict[str, Any]) -> dict[str, Any]:
    ways: tuple[Readiness, ...] = one["releases"]
    return {
        "target": one["target"],
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
