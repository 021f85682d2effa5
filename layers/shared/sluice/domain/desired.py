"""What a target should serve next. Pure: everything looked at is an argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.domain.arming import disarm, note
from sluice.domain.deploying import again, deployed
from sluice.domain.differing import record_objection
from sluice.domain.moves import Consume, Idle, Move, consume, halt
from sluice.domain.pairing import Drop, along, beside, fit, gives_way, may_begin, unfinished
from sluice.domain.retirement import deployable
from sluice.domain.retrying import BACK_OFF, waiting
from sluice.domain.returning import COOL_DOWN, candidates, cooling_down, owing, way_out
from sluice.domain.rollout import Kind, Phase
from sluice.domain.starting import Start, begin, put_up_again, settle
from sluice.domain.succession import draining
from sluice.domain.target import Cause, Change, Event, Mark, Signal, TargetState

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from datetime import datetime, timedelta

    from sluice.domain.pairing import Partner
    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.rollout import Deployed


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of releases beside their approval."""

    gone: Set[ReleaseName] = frozenset()
    """Those whose package was deleted: what serves goes on serving without one."""
    partners: Mapping[ReleaseName, Partner] = field(default_factory=dict)
    """The partner of each that has one."""
    unreadable: Mapping[ReleaseName, str] = field(default_factory=dict)
    """Those that are Approved and whose record cannot be read, and why: they serve on, no more."""


def of_interest(state: TargetState) -> dict[ReleaseName, str]:
    """The releases whose approval `next_move` needs to know, with their packages by `state`."""
    known = (*state.last_good, state.live, state.wanted)
    return {one.release: one.package_arn for one in known if one}


def next_move(
    state: TargetState,
    *,
    releases: Mapping[ReleaseName, Release],
    beside: Beside | None = None,
    now: datetime,
    clock: datetime | None = None,
    cool_down: timedelta = COOL_DOWN,
) -> Move:
    """The rollout that `state` calls for, if any.

    `releases` holds the ledger's record of each release that the registry says is Approved now,
    `beside` what else is known of them. `clock` is the time by which waits end, where `now` is only
    what an event says (`patience.certain`).
    """
    clock, beside = clock or now, beside or Beside()
    gone, partners, unreadable = beside.gone, beside.partners, beside.unreadable
    if state.holder:
        return Idle(f"{state.holder} holds the target")
    drains = draining(state, now=clock)
    if drains:
        return Idle(drains)
    standing = releases.keys() | gone | unreadable.keys()
    owed = owing(state, standing, now=now) or along(state, partners, now=now)
    if owed is not None:
        later = waiting(state, 0, now=clock)
        if later:
            return Idle(later)
        good = candidates(state, fit(state, deployable(releases), partners))
        cooling = cooling_down(state, owed, cool_down, now=clock)
        if good and not cooling:
            first = _give_way(state, owed, partners, now=now, clock=clock)
            return first or _roll_back(state, owed, to=good, now=now)
        if state.wanted is None or state.wanted.release not in releases:
            if cooling and clock != now:
                return Idle(f"{owed.reason}; the schedule says whether the cool-down is over")
            reason = way_out(state, owed, good, cooling)
            passed_over = "" if good else _passed_over(state, unreadable)
            return halt(state, owed.release, f"{reason}{passed_over}", now=now)
    return (
        _missed(state, beside, now=now)
        or _wait(state, releases, partners, now=now, clock=clock)
        or _take_up(state, releases, partners, now=now, clock=clock)
    )


def _give_way(
    state: TargetState,
    owed: Signal,
    partners: Mapping[ReleaseName, Partner],
    *,
    now: datetime,
    clock: datetime,
) -> Idle | None:
    """What a model waits for before it goes back; recorded, for its config to see."""
    reason = gives_way(partners.get(owed.release), owed, now=clock)
    if not reason:
        return None
    if owed.agreed:
        return Idle(reason)
    agreed = state.model_copy(update={"rollback_owed": owed.model_copy(update={"agreed": True})})
    event = Event(now, "RollbackOwed", reason, owed.release)
    return Idle(reason, Change(agreed, (event,)))


def _wait(
    state: TargetState,
    releases: Mapping[ReleaseName, Release],
    partners: Mapping[ReleaseName, Partner],
    *,
    now: datetime,
    clock: datetime,
) -> Idle | Consume | None:
    """What the approval that is wanted next waits for, as far as partners go; None: nothing."""
    wanted, live = state.wanted, state.live
    if wanted is None or wanted.release not in releases:
        return None
    if live and live.release == wanted.release:
        return None
    partner = partners.get(wanted.release)
    gate = may_begin(partner, now=clock) if partner else None
    if isinstance(gate, Drop):
        return consume(state, wanted.release, gate.reason, now=now)
    reason = gate.reason if gate else unfinished(partners.get(live.release)) if live else ""
    if not reason:
        return None
    event = Event(now, "Waits", reason, wanted.release)
    return Idle(reason, note(state, f"WAITS {wanted.seq} {reason}", event))


def _passed_over(state: TargetState, unreadable: Mapping[ReleaseName, str]) -> str:
    """Which of what served well before cannot take over, nobody knowing what is said of it."""
    found = (unreadable.get(one.release) for one in state.last_good if one != state.live)
    return "".join(f"; {wrong}" for wrong in found if wrong)


def _missed(state: TargetState, beside: Beside, *, now: datetime) -> Idle | Consume | None:
    """Say once, of what was wanted or serves, that its package was deleted, or its record edited.

    What serves goes on serving; a release that nobody can read about is not deployed.
    """
    wanted, live, gone = state.wanted, state.live, beside.gone
    if wanted and wanted.release in beside.unreadable:
        reason = record_objection(beside.unreadable[wanted.release])
        return consume(state, wanted.release, reason, now=now)
    if wanted and wanted.release in gone:
        reason = "PACKAGE_GONE: it was deleted from the registry before its rollout began"
        consumed = state.model_copy(update={"wanted": None})
        return Idle(reason, Change(consumed, (Event(now, "Aborted", reason, wanted.release),)))
    if wanted is None and live and live.release in gone and str(live.release) not in state.gone:
        reason = "PACKAGE_GONE: it was deleted from the registry; it goes on serving"
        flagged = {**state.gone, str(live.release): Mark(reason=reason, at=now)}
        known = state.model_copy(update={"gone": flagged})
        return Idle(reason, Change(known, (Event(now, "PackageGone", reason, live.release),)))
    return None


def _take_up(
    state: TargetState,
    releases: Mapping[ReleaseName, Release],
    partners: Mapping[ReleaseName, Partner],
    *,
    now: datetime,
    clock: datetime,
) -> Move:
    wanted = state.wanted
    if wanted is None:
        return _settle_owed(state, now=now, clock=clock) or Idle("no approval is waiting")
    if wanted.release not in releases:
        return Idle(f"{wanted.release} is no longer approved")
    later = waiting(state, wanted.seq, now=clock)
    if later:
        return Idle(later)
    if state.live and state.live.release == wanted.release:
        if _accused(state) and clock != now:  # since when an alarm is forgiven, our clock says
            return Idle(f"{wanted.release} is live already; the schedule stands by it")
        if state.edited:
            return put_up_again(state, state.live, now=now)
        reason = f"{wanted.release} is live already"
        # A person stands by what serves: nothing is owed any more, and nothing halts the target.
        update = {"wanted": None, "rollback_owed": None, "phase": Phase.IDLE}
        stood_by = disarm(state, (*state.live.alarms, *state.live.watch), at=now)
        consumed = (stood_by if _accused(state) else state).model_copy(update=update)
        event = Event(now, "ApprovalConsumed", reason, wanted.release)
        return Idle(reason, Change(consumed, (event,)))
    # Beside an endpoint that is lost nothing can be tried; the target begins again.
    kind = Kind.CANARY if state.live and not state.lost else Kind.ALL_AT_ONCE
    release = beside(deployed(state, releases[wanted.release]), partners.get(wanted.release))
    return begin(state, kind, release, wanted=wanted, reason="approved", now=now)


def _roll_back(
    state: TargetState, owed: Signal, *, to: tuple[Deployed, ...], now: datetime
) -> Start:
    """To the first of these; the signal stays owed until one of them has taken over."""
    marked = dict(state.suspect)
    if owed.cause is Cause.ALARM and owed.release not in owed.tried:
        marked[str(owed.release)] = Mark(reason=owed.reason, at=owed.at)
    release = again(state, to[0])
    state = state.model_copy(update={"suspect": marked, "rollback_owed": owed})
    start = begin(state, Kind.ROLL_BACK, release, wanted=None, reason=owed.reason, now=now)
    kind_of = {"automatic": owed.cause is Cause.ALARM, "others": len(to) > 1}
    rollout = start.rollout.model_copy(update=kind_of)
    held = start.change.state.model_copy(update={"rollout": rollout})
    return Start(rollout, Change(held, start.change.events))


def _accused(state: TargetState) -> bool:
    """Whether an alarm halted the target, or would have rolled it back."""
    return state.phase is Phase.HALTED or state.rollback_owed is not None


def _settle_owed(state: TargetState, *, now: datetime, clock: datetime) -> Start | None:
    """Drop what an earlier rollout could not; the next canary's update drops it as well."""
    owed, live = state.settle_owed, state.live
    if owed is None or live is None or state.phase is Phase.HALTED:
        return None
    if owed.attempts >= len(BACK_OFF) or clock < owed.not_before:
        return None
    return settle(state, live, f"{', '.join(owed.variants)} left over", now=now)
