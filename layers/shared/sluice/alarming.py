"""An alarm fired: tell the holder, or let reconcile start the rollback that is owed.

One alarm may watch several targets: what it means is decided for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.domain.alarm import Ignore, Owe, Response, Tell, respond
from sluice.domain.lease import heard

if TYPE_CHECKING:
    from sluice.adapters.executions import Executions
    from sluice.adapters.functions import Functions
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.alarm import Firing, Watched
    from sluice.domain.target import Change, TargetState


@dataclass(frozen=True, slots=True)
class Alarming:
    """The work of `handle_alarm`."""

    targets: Targets
    executions: Executions
    functions: Functions

    def handle(self, alarm_arn: str, firing: Firing) -> str:
        """Act on the alarm; what was done, or why nothing was, in words.

        The signal is written first, and the token read from that same write: a machine that parks
        meanwhile finds the signal, a machine that is parked is woken. No wake-up is lost.
        """
        watched = self.targets.watched_by(alarm_arn)
        if not watched:
            return "UNKNOWN_ALARM: it watches none of our targets"
        return "; ".join([self._take_to(one, firing) for one in watched])

    def _take_to(self, watched: Watched, firing: Firing) -> str:
        response: Response = Ignore("UNKNOWN_TARGET: nobody ever approved a release for it")

        def decide(state: TargetState | None) -> Change | None:
            nonlocal response
            if state is None:
                return None
            response = respond(state, watched, firing)
            return response.change

        state = self.targets.change(watched.target, decide)
        match response:
            case Ignore():
                return response.reason
            case Tell():
                return self._wake(state)
            case Owe():
                self.functions.reconcile(watched.target, at=firing.at)
                return f"a rollback of {watched.target} is owed"

    def _wake(self, state: TargetState | None) -> str:
        """Wake the holder if it waits for something a signal may end."""
        answer = heard(state) if state else None
        if state is None or answer is None:
            return "told the holder, which is at work"
        woken = self.executions.wake(state.token, answer)
        return "woke the holder" if woken else "told the holder, which has just been woken"
