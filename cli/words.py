"""`sluice promote` and `sluice abort`: a person's word on a rollout, written into the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.errors import DONE, RefusedError
from cli.stack import Connection, target_named
from sluice.adapters.ledger.targets import Targets
from sluice.domain.holding import Saying, WrongPhaseError, say

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.target import Change, TargetState

_FOLLOWS = {
    Saying.PROMOTE: "the held step passes",
    Saying.ABORT: "all traffic returns to what was stable",
}


def speak(options: Namespace) -> int:
    """Write the word down; `watch_rollout` acts on it within a minute. Raises RefusedError."""
    connection, saying = Connection(options), Saying(options.command)
    by = options.by or connection.caller()
    now = datetime.now(UTC)

    def decide(state: TargetState | None) -> Change:
        return say(state, saying, by=by, why=options.why, now=now)

    target = target_named(options.target)
    try:
        state = Targets(connection.table()).change(target, decide)
    except WrongPhaseError as error:
        raise RefusedError(str(error)) from error
    rollout = state.rollout if state else None
    release = rollout.release.release if rollout else ""
    print(f"{release} on {target}: {_FOLLOWS[saying]} at the next look, within a minute; by {by}")
    return DONE
