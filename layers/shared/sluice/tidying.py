"""Alarms nobody needs any more: the schedule removes them.

A rollout that died between making its alarms and recording them, or a variant that went out of
service otherwise than by a rollout, leaves alarms on a variant that is gone. They cost, and one
that fires says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.target import orphaned
from sluice.observability import logger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.target import TargetState


@dataclass(frozen=True, slots=True)
class Tidying:
    """Removes what rollouts left behind."""

    targets: Targets
    alarms: Alarms

    def listed(self, targets: Iterable[str] = ("",)) -> frozenset[str]:
        """The alarms there are on variants of these targets; of all, unless told which.

        List them before the targets are read: one that a rollout makes meanwhile is on a variant
        of an epoch that no list before it has.
        """
        return frozenset(one for target in targets for one in self.alarms.of_variants(target))

    def remove_orphans(self, listed: Collection[str], resting: Iterable[TargetState]) -> None:
        """Delete those alarms that watch variants which serve no target at rest any more."""
        by_target: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name in sorted(listed):
            watched = names.watched_variant(name)
            if watched:
                by_target[watched[0]][watched[1]].append(name)
        for state in resting:
            variants = by_target[state.target]
            doomed = [name for gone in sorted(orphaned(state, variants)) for name in variants[gone]]
            if doomed:
                logger.info("orphaned alarms removed", target=state.target, alarms=doomed)
                for arn in self.alarms.delete(doomed).values():
                    self.targets.forget(arn, state.target)
