"""Compare what a target should serve with what it serves; start the rollout it needs, or none.

Called by approval and rejection events, by the schedule, by the end of every rollout and by
`handle_alarm`. Events are hints: each call re-reads the truth from the registry and the ledger, and
the schedule alone does all that events do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.adapters.ledger.table import ConditionFailedError
from sluice.domain import names
from sluice.domain.desired import Beside, next_move, of_interest
from sluice.domain.mending import mend
from sluice.domain.moves import Consume, Halt, Idle
from sluice.domain.patience import certain
from sluice.domain.starting import Start
from sluice.domain.statuses import IN_SERVICE
from sluice.observing import Looked
from sluice.pairing import concerned

if TYPE_CHECKING:
    from datetime import datetime

    from sluice.adapters.ledger.releases import Releases
    from sluice.adapters.ledger.table import Item
    from sluice.adapters.ledger.targets import Targets
    from sluice.domain.moves import Move
    from sluice.domain.pairing import Partner
    from sluice.domain.release import ReleaseName
    from sluice.domain.target import Change, TargetState
    from sluice.events.triggers import PackageChanged
    from sluice.observing import Observing
    from sluice.pairing import Pairing
    from sluice.rejecting import Rejecting
    from sluice.restoring import Restoring
    from sluice.routing import Routers
    from sluice.tending import Tending


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the schedule sees of many at once, before it goes from target to target."""

    statuses: dict[str, str] = field(default_factory=dict)
    """Of endpoints, by target; the list may lag behind. One that is not in it is described."""
    looked: Looked = field(default_factory=Looked)


@dataclass(frozen=True, slots=True)
class Ailing:
    """An endpoint that is not in service, or was not when it was last looked at."""

    status: str | None
    """None: there is no such endpoint."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at before a decision."""

    looked: Looked
    ailing: Ailing | None
    partners: dict[ReleaseName, Partner]
    ours: datetime | None
    """The time, if it is the schedule's, and not an event's."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in words, and the targets of the partners of what is there."""

    answer: str
    beside: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What `reconcile_target` does for one target."""

    targets: Targets
    releases: Releases
    routers: Routers
    observing: Observing
    pairing: Pairing
    tending: Tending
    rejecting: Rejecting
    restoring: Restoring
    cool_down_minutes: int

    def package_changed(self, changed: PackageChanged) -> str:
        """A package's approval may have changed: observe it, then reconcile its target."""
        seen = self.observing.observe(changed.package_arn, changed.told, now=changed.at)
        if seen is None:
            return f"{changed.package_arn} is no release of ours"
        return seen.refusal or self.reconcile(
            names.target_of(seen.release.target, seen.release.system), now=changed.at
        )

    def reconcile(self, target: str, *, now: datetime, sweep: Sweep | None = None) -> str:
        """Start what the target needs; what was done or why nothing was, in words.

        `sweep` is what the schedule has just seen. Only it replaces a holder that ended, the end of
        an execution and the event that tells of it must not chase each other; only it mends; and
        only by its time a wait ends: an event's `now` is what its sender takes the time to be.
        Where releases move in pairs, the partners' targets are looked at next.
        """
        done = self._reconcile(target, sweep, now=now)
        answers = [done.answer]
        for beside in sorted(done.beside):
            answers.append(f"{beside}: {self._reconcile(beside, None, now=now).answer}")
        return "; ".join(answers)

    def _reconcile(self, target: str, sweep: Sweep | None, *, now: datetime) -> Done:
        state, ours = self.targets.read(target), now if sweep else None
        if state is None:
            return Done("no approval has named this target yet")
        if sweep:
            self.rejecting.reject_bad(state, now=now)
        if state.holder:
            told, beside = self.pairing.tell(state, now=now)
            return Done(self.tending.tend(told, by=ours), beside)
        self.restoring.restore(state, now=ours or certain(state))
        looked = sweep.looked if sweep else Looked()
        if not of_interest(state).keys() <= looked.names:
            looked = self.observing.look_at(of_interest(state))
        ailing = self._ailing(state, sweep) if sweep else None
        seen = Seen(looked, ailing, self.pairing.partners(state, looked), ours)
        answer = self._start_next(state, seen, now=now)
        return Done(answer, concerned(state, seen.partners))

    def _start_next(self, state: TargetState, seen: Seen, *, now: datetime) -> str:
        move: Move = self._next_move(state, seen, now=now)
        looked = seen.looked

        def decide(latest: TargetState | None) -> Change | None:
            nonlocal move
            if latest is None or not of_interest(latest).keys() <= looked.names:
                # Not asked about is not the same as not approved.
                move = Idle("the target changed meanwhile; whoever changed it looks again")
                return None
            move = self._next_move(latest, seen, now=now)
            return move.change

        def also() -> list[Item]:
            return self._fixed(move, looked)

        try:
            latest = self.targets.change(state.target, decide, also=also) if move.change else None
        except ConditionFailedError:
            return (
                "what is wanted was given a partner, or retired, meanwhile; the next look sees it"
            )
        return self._act(move, latest or state, by=seen.ours)

    def _fixed(self, move: Move, looked: Looked) -> list[Item]:
        """What is rolled out must not have got a partner, or been retired, since it was read."""
        if not isinstance(move, Start) or not move.rollout.approval_seq:
            return []
        return [self.releases.as_read(looked.approved[move.rollout.release.release])]

    def _act(self, move: Move, state: TargetState, *, by: datetime | None) -> str:
        match move:
            case Start():
                return self.tending.start(state, move.rollout, by=by)
            case Halt():
                return self.tending.halted(state.target, move.reason)
            case Consume():
                return self.tending.consumed(state.target, move.release, move.reason)
            case Idle():
                return move.reason

    def _ailing(self, state: TargetState, sweep: Sweep) -> Ailing | None:
        """The endpoint of a target at rest, if it may need to be mended."""
        healthy = sweep.statuses.get(state.target) == IN_SERVICE and state.incident is None
        if state.live is None or healthy:
            return None
        name = names.name_of(state.target)
        view = self.routers.of(state.target).describe(name)  # a list proves nothing
        return Ailing(view.status if view else None)

    def _next_move(self, state: TargetState, seen: Seen, *, now: datetime) -> Move:
        approved, ailing = seen.looked.approved, seen.ailing
        mended = mend(state, ailing.status, approved=approved.keys(), now=now) if ailing else None
        return mended or next_move(
            state,
            releases=approved,
            beside=Beside(seen.looked.gone, seen.partners, seen.looked.unreadable),
            now=now,
            clock=seen.ours or certain(state),
            cool_down=timedelta(minutes=self.cool_down_minutes),
        )
