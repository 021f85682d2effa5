"""`sluice plan`: what was foreseen of a rollout before it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.errors import DONE, NO, UnusableError, unknown
from cli.stack import Connection, target_named
from sluice.adapters.ledger.evidence import Evidences
from sluice.adapters.ledger.targets import Targets
from sluice.domain.forecasting import in_words

if TYPE_CHECKING:
    from argparse import Namespace


def plan(options: Namespace) -> int:
    """0 when every step can be decided, 1 when one cannot. Raises UnusableError."""
    table, target = Connection(options).table(), target_named(options.target)
    state = Targets(table).read(target)
    if state is None:
        raise unknown(target)
    execution = options.rollout or state.holder
    if not execution:
        message = f"no rollout is in flight on {target}: name one with --rollout"
        raise UnusableError(message)
    told = Evidences(table).forecast(target, execution)
    if told is None:
        message = f"nothing was foreseen of {execution}: it has no step to compare variants in"
        raise UnusableError(message)
    print(f"{execution}, {told.at:%Y-%m-%d %H:%M} UTC\n{in_words(told)}")
    return NO if told.warnings else DONE
