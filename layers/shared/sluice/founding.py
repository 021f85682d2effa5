"""The alias of an application's function, made once by the stack that has the function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.events.resources import Wish
from sluice.observability import logger

if TYPE_CHECKING:
    from sluice.adapters.alias import Alias
    from sluice.adapters.stacks import Stacks
    from sluice.events.resources import AliasWanted

_LONGEST_REASON = 1000
"""CloudFormation takes answers of up to 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class Founding:
    """What the function behind `LiveAlias` does."""

    alias: Alias
    stacks: Stacks

    def carry_out(self, wanted: AliasWanted) -> str:
        """See to it that the alias is there, and tell the stack; its answer's status.

        An alias that is there is never changed, and never deleted: a deletion is said to be done.
        Raises OSError when the stack cannot be told: Lambda asks us again, and so may anybody.
        """
        reason = "" if wanted.wish is Wish.DELETE else self._made(wanted.function)
        status = "FAILED" if reason else "SUCCESS"
        self.stacks.tell(
            wanted.response_url,
            {
                "Status": status,
                "Reason": reason,
                "PhysicalResourceId": f"{wanted.function}:{names.LIVE}",
                "StackId": wanted.stack,
                "RequestId": wanted.request,
                "LogicalResourceId": wanted.resource,
            },
        )
        return status

    def _made(self, function: str) -> str:
        """Why the alias could not be made, or nothing."""
        try:
            self.alias.make(function)
        except Exception as error:  # whatever it is: a stack that is not told waits for an hour
            logger.exception("alias not made", function=function)
            return f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        return ""
