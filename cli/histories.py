"""`sluice history`: what served a target when, and why."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.accounts import Account
from cli.audits import history_of
from cli.errors import DONE, NO, UnusableError
from cli.facts import Facts
from cli.moments import moment
from cli.narrating import at_moment, course
from cli.stack import Connection, target_named
from cli.telling import say

if TYPE_CHECKING:
    from argparse import Namespace

PAGE = 200
"""How many entries are told at once unless asked otherwise."""


def history(options: Namespace) -> int:
    """0 when it is answered, 1 when nothing served at that time. Raises UnusableError."""
    at, begins, ends = _times(options)
    connection = Connection(options)
    recorded = history_of(connection.table(), target_named(options.target))
    account = Account(recorded, Facts(connection))
    if account.flaws:
        said = "this history does not hold together: see"
        print(f"sluice: warning: {said} `sluice audit {account.target}`", file=sys.stderr)
    if at:
        _refuse_future(account, at, options)
        answer = account.at(at)
    else:
        answer = account.course(begins, ends, after=options.after, limit=options.limit)
    if options.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in at_moment(answer) if at else course(answer):
            say(line)
    return NO if at and not answer["serves"] else DONE


def _times(options: Namespace) -> tuple[datetime | None, datetime | None, datetime | None]:
    """`--at`, `--from` and `--to`. Raises UnusableError where they do not go together."""
    at = moment(options.at, "--at") if options.at else None
    begins = moment(options.begins, "--from") if options.begins else None
    ends = moment(options.ends, "--to") if options.ends else None
    if at and (begins or ends):
        raise UnusableError("--at asks of one moment, --from and --to of a range: give one of both")
    if begins and ends and begins > ends:
        raise UnusableError("--from must not be later than --to")
    if options.limit < 0 or options.after < 0:
        raise UnusableError("--limit and --after take numbers from 0")
    return at, begins, ends


def _refuse_future(account: Account, at: datetime, options: Namespace) -> None:
    newest = [one.at for one in account.entries[-1:]]
    if at > max([datetime.now(UTC), *newest]):
        message = f"--at {options.at!r} is yet to come: what will serve then is not known"
        raise UnusableError(message)
