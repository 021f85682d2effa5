"""Is the target's history the one that was written? Its newest entries, before anything follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.adapters.ledger.histories import GrowingError
from sluice.adapters.ledger.targets import ContentionError
from sluice.domain.auditing import audit
from sluice.domain.differing import history_objection
from sluice.observability import logger

if TYPE_CHECKING:
    from sluice.adapters.ledger.histories import Histories

NEWEST = 1000
"""How many entries are read: a megabyte or so, a page or two. `sluice audit` reads all."""


@dataclass(frozen=True, slots=True)
class Retracing:
    """What `PrepareRollout` reads of the past."""

    histories: Histories
    newest: int = NEWEST

    def objection(self, target: str) -> str:
        """What is wrong with the target's history, and what to do; or nothing.

        Raises ContentionError, which the machine retries, when the history grows meanwhile.
        """
        try:
            recorded = self.histories.read(target, newest=self.newest)
        except GrowingError as error:
            raise ContentionError(str(error)) from error
        if recorded is None:
            return ""
        flaws = audit(recorded, whole=len(recorded.history) < self.newest)
        if flaws:
            logger.warning("history is broken", flaws=[str(flaw) for flaw in flaws])
        return history_objection(flaws)
