"""`sluice promote`, `abort` and `override`: a person's word, written into the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.errors import DONE, RefusedError, unknown
from cli.facts import Facts
from cli.sides import registered
from cli.stack import Connection, target_named
from cli.telling import say as tell
from sluice.adapters.ledger.targets import Targets
from sluice.domain import names
from sluice.domain.holding import Saying, WrongPhaseError, say
from sluice.domain.overriding import NotOverridableError, override

if TYPE_CHECKING:
    from argparse import Namespace

    from sluice.domain.target import Change, TargetState

_FOLLOWS = {
    Saying.PROMOTE: "the held step passes",
    Saying.ABORT: "all traffic returns to what was stable",
}


def speak(options: Namespace) -> int:
    """Write the word down; `watch_rollout` acts on it within a minute.

    Raises RefusedError, and UnusableError where nobody knows the target.
    """
    connection, saying = Connection(options), Saying(options.command)
    target = target_named(options.target)
    by = options.by or connection.caller()
    now = datetime.now(UTC)

    def decide(state: TargetState | None) -> Change:
        if state is None:
            raise unknown(target)
        return say(state, saying, by=by, why=options.why, now=now)

    try:
        state = Targets(connection.table()).change(target, decide)
    except WrongPhaseError as error:
        raise RefusedError(str(error)) from error
    rollout = state.rollout if state else None
    release = rollout.release.release if rollout else ""
    print(f"{release} on {target}: {_FOLLOWS[saying]} at the next look, within a minute; by {by}")
    return DONE


def allow(options: Namespace) -> int:
    """Let the next rollout of a release begin without a way back.

    Raises RefusedError, and UnusableError where nobody knows the release.
    """
    connection, target = Connection(options), target_named(options.target)
    by, table = options.by or connection.caller(), connection.table()
    release = registered(Facts(connection), options.release)
    if names.target_of(release.target, release.system) != target:
        raise RefusedError(f"{options.release} is no release for {target}")
    now = datetime.now(UTC)

    def decide(state: TargetState | None) -> Change:
        return override(state, release, by=by, why=options.why, now=now)

    try:
        Targets(table).change(target, decide)
    except NotOverridableError as error:
        raise RefusedError(str(error)) from error
    tell(
        f"{release.name} may begin on {target} once without a way back, by {by}; approve it, or "
        "approve it again, to roll it out"
    )
    return DONE
