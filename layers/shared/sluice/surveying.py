"""What makes `reconcile_target` act, and the schedule's survey of everything there is.

The survey does alone what events do. Where there are many model package groups it is fanned out, a
message each: that group's approvals, and the targets its releases name. So no invocation has more
to do than one group needs, whatever the number of targets, and trouble with one delays no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.events.triggers import GroupDue, PackageChanged, TargetDue, Tick, Trigger, survey_of
from sluice.reconciling import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from sluice.adapters.endpoint import Endpoint
    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.queue import Queue
    from sluice.noticing import Noticing
    from sluice.observing import Observing
    from sluice.reconciling import Reconciling
    from sluice.tidying import Tidying


@dataclass(frozen=True, slots=True)
class Surveying:
    """The work of `reconcile_target`."""

    targets: Targets
    releases: Releases
    endpoint: Endpoint
    observing: Observing
    noticing: Noticing
    tidying: Tidying
    reconciling: Reconciling
    surveys: Queue

    def handle(self, triggers: Iterable[Trigger]) -> list[str]:
        """Do what the triggers point to; what was done, in words."""
        return [answer for trigger in triggers for answer in self._answers(trigger)]

    def _answers(self, trigger: Trigger) -> list[str]:
        match trigger:
            case PackageChanged():
                return [self.reconciling.package_changed(trigger)]
            case TargetDue():
                return [self.reconciling.reconcile(trigger.target, now=trigger.at)]
            case GroupDue():
                return self._group(trigger.group, now=trigger.at)
            case Tick():
                return self._everything(now=trigger.at)

    def _everything(self, *, now: datetime) -> list[str]:
        """Every group and target; the states of endpoints and all alarms are listed at once."""
        groups, broken = self.releases.groups(), list[Exception]()
        if self.surveys.hand_out(groups, lambda group: survey_of(group, at=now)):
            return []
        sweep = Sweep()
        try:
            found = self.endpoint.statuses()
            sweep.statuses.update((names.target_of(name), one) for name, one in found.items())
        except Exception as error:  # each is described instead
            broken.append(error)
        return self._survey(groups, self.targets.known, self.tidying.listed, sweep, broken, now=now)

    def _group(self, group: str, *, now: datetime) -> list[str]:
        """One group, and the targets its releases name; the owner alone gives a target anything."""
        named = sorted(self.releases.targets_of(group))
        return self._survey(
            (group,), lambda: named, lambda: self.tidying.listed(named), Sweep(), [], now=now
        )

    def _survey(
        self,
        groups: Iterable[str],
        targets: Callable[[], Collection[str]],
        alarms: Callable[[], Collection[str]],
        sweep: Sweep,
        broken: list[Exception],
        *,
        now: datetime,
    ) -> list[str]:
        """Do for these groups, and for the targets there are then, what events would have done.

        The registry is asked by group and the alarms all at once, so that a look at a target at
        rest costs two reads of the ledger.
        """
        answers = list[str]()
        for group in groups:
            try:
                self.observing.observe_group(group, sweep.looked, now=now)
            except Exception as error:  # one group's trouble must not keep the others waiting
                broken.append(error)
        try:
            listed = alarms()
            self.tidying.remove_orphans(listed, self.noticing.notice(targets(), now=now))
        except Exception as error:  # nor CloudWatch's
            broken.append(error)
        for target in targets():
            try:
                done = self.reconciling.reconcile(target, now=now, sweep=sweep)
                answers.append(f"{target}: {done}")
            except Exception as error:  # nor one target's
                broken.append(error)
        if broken:
            message = f"reconciled {answers}, but not everything"
            raise ExceptionGroup(message, broken)
        return answers
