"""`sluice verify`: whether what serves is what was approved, thing by thing."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import UnusableError, in_words, unknown
from cli.findings import UNREAD, exit_code, line, unread_state
from cli.stack import Connection, target_named
from cli.surroundings import examining
from cli.telling import plain, say
from sluice.adapters.ledger.targets import Targets
from sluice.domain.hosting import in_flight
from sluice.domain.verifying import Unread
from sluice.examining import attempt
from sluice.verifying import Verifying

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.target import TargetState


def verify(options: Namespace) -> int:
    """0: all as approved; 1: something is not; 3: something could not be read.

    Raises UnusableError where nothing can be asked.
    """
    connection = Connection(options)
    targets = Targets(connection.table())
    named = asked(targets, options)
    if named is None:
        return UNREAD
    verifying = Verifying(examining(connection, read=options.read))
    found = [_verified(verifying, targets, one) for one in named]
    _tell(found, as_json=options.json)
    return exit_code(finding for one in found for finding in one["findings"])


def asked(targets: Targets, options: Namespace) -> tuple[str, ...] | None:
    """The targets that are named, or all; None where the ledger cannot be read, which is said.

    Raises UnusableError where neither is asked for, or there is none.
    """
    if bool(options.target) == options.all:
        message = "say which: either TARGETs, or --all"
        raise UnusableError(message)
    named = tuple(dict.fromkeys(map(target_named, options.target)))
    try:
        found = named or targets.known()
    except (BotoCoreError, ClientError) as error:
        print(plain(f"sluice: the ledger cannot be read: {in_words(error)}"), file=sys.stderr)
        return None
    if not found:
        message = "the ledger knows no target: nothing was ever approved"
        raise UnusableError(message)
    return found


def read_state(targets: Targets, target: str) -> TargetState | Unread:
    """The state of a target, or why it cannot be read. Raises UnusableError where there is none."""
    state = attempt(lambda: targets.read(target))
    if state is None:
        raise unknown(target)
    return state


def _verified(verifying: Verifying, targets: Targets, target: str) -> dict[str, Any]:
    state = read_state(targets, target)
    if isinstance(state, Unread):
        unread = unread_state(target, state)
        return {"target": target, "serves": None, "in_flight": None, "findings": unread}
    return {
        "target": target,
        "serves": str(state.live.release) if state.live else None,
        "in_flight": in_flight(state) or None,
        "findings": verifying.findings(state, at=datetime.now(UTC)),
    }


def _tell(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        targets = [
            {**one, "findings": [each.model_dump(mode="json") for each in one["findings"]]}
            for one in found
        ]
        answer = {"as_approved": not any(one["findings"] for one in found), "targets": targets}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    for one in found:
        unread = any(each.what == f"STATE of {one['target']}" for each in one["findings"])
        serves = f"by the ledger {one['serves'] or 'nothing'} serves"
        known = "what serves is not known" if unread else serves
        count = len(one["findings"])
        many = f"{count} {'finding' if count == 1 else 'findings'}" if count else "as approved"
        say(f"{one['target']}: {many}; {known}")
        if one["in_flight"]:
            say(f"  {one['in_flight']}: no drift")
        for each in one["findings"]:
            say(line(each))
