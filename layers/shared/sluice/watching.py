"""Look at every rollout in flight; wake the machine that waits for what was found.

Many are fanned out through a queue, a message each, so that a target which is slow to answer delays
no other and all are looked at within their minute. What a look writes it writes once, and a task
token works once, so a message that comes twice does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sluice.domain.arming import Readings, remark
from sluice.domain.rollout import Phase
from sluice.domain.sight import Sight
from sluice.domain.watching import look
from sluice.events.triggers import TargetDue, look_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sluice.adapters.alarms import Alarms
    from sluice.adapters.executions import Executions
    from sluice.adapters.ledger.targets import Targets
    from sluice.adapters.queue import Queue
    from sluice.domain.rollout import Rollout
    from sluice.domain.target import Change, TargetState
    from sluice.events.triggers import Trigger
    from sluice.judging import Judging
    from sluice.routing import Routers


@dataclass(frozen=True, slots=True)
class Watching:
    """The work of `watch_rollout`."""

    targets: Targets
    routers: Routers
    alarms: Alarms
    judging: Judging
    executions: Executions
    looks: Queue

    def handle(self, triggers: Iterable[Trigger]) -> dict[str, str]:
        """Look at the targets the triggers name, or at every one in flight."""
        woken = dict[str, str]()
        for trigger in triggers:
            if isinstance(trigger, TargetDue):
                woken |= self.look_at((trigger.target,), now=trigger.at, hint=trigger.hint)
            else:
                woken |= self._look_at_all(now=trigger.at)
        return woken

    def _look_at_all(self, *, now: datetime) -> dict[str, str]:
        targets = self.targets.in_flight()
        if self.looks.hand_out(targets, lambda target: look_at(target, at=now)):
            return {}
        return self.look_at(targets, now=now)

    def look_at(
        self, targets: Iterable[str], *, now: datetime, hint: bool = False
    ) -> dict[str, str]:
        """Look at each target; for each machine that was woken, with what.

        A hint brings no time with it: its sender's clock may be an hour ahead, and no bake ends
        early for that. How long a machine has waited, the schedule's clock alone says.
        """
        woken, broken = {}, []
        for target in targets:
            try:
                woken[target] = self._look(target, now=now, hint=hint)
            except Exception as error:  # one target's trouble must not keep the others waiting
                broken.append(error)
        if broken:
            message = "some rollouts could not be looked at"
            raise ExceptionGroup(message, broken)
        return {target: answer for target, answer in woken.items() if answer}

    def _look(self, target: str, *, now: datetime, hint: bool) -> str:
        state = self.targets.read(target)
        if state is None or state.rollout is None or not state.token:
            return ""
        if state.parked_at and now < state.parked_at:
            return ""  # asked for before this wait began; the next minute asks again
        now = state.parked_at if hint and state.parked_at else now
        readings = self._read_alarms(state, state.rollout, now=now)
        sight = self._see(state, state.rollout, readings, now=now)
        answer = look(state, sight, now=now)
        if answer is None:
            return ""
        self.judging.keep(target, sight.finding, answer.evidence)
        if not self.executions.wake(state.token, answer):
            return ""
        return f"{answer.action}: {answer.reason}"

    def _read_alarms(self, state: TargetState, rollout: Rollout, *, now: datetime) -> Readings:
        """What the alarms say; the target remembers what a look at them changes by itself."""
        if state.phase is Phase.SETTLING:  # judged already, and some of them are being deleted
            return Readings()
        own = {*rollout.release.alarms, *rollout.watch, *state.disarmed}
        stables = {*(rollout.stable.alarms if rollout.stable else ())} - own
        readings = self.alarms.read(own | stables)
        told = replace(readings, muted=readings.muted - stables, missing=readings.missing - stables)

        def decide(latest: TargetState | None) -> Change | None:
            return remark(latest, told, now=now) if latest else None

        if decide(state):
            self.targets.change(state.target, decide)
        return readings

    def _see(
        self, state: TargetState, rollout: Rollout, readings: Readings, *, now: datetime
    ) -> Sight:
        view = self.routers.of(rollout.target).describe(rollout.target_name)
        return Sight(
            endpoint=view,
            alarms=readings.alarms,
            muted=readings.muted,
            finding=self.judging.find(state, rollout, view, now=now),
        )
