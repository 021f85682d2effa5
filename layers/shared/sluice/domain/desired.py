"""What a target should serve next, and where a rollback lands.

Pure: everything looked at is an argument. A rollback lands on the newest release that served this
target well (`last_good`), is still Approved and carries no mark; never on "the newest approved".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.domain import names
from sluice.domain.arming import disarm
from sluice.domain.deploying import again, deployed
from sluice.domain.retrying import BACK_OFF, waiting
from sluice.domain.rollout import Action, Kind, Outcome, Phase, Rollout
from sluice.domain.succession import draining
from sluice.domain.target import Cause, Change, Event, Mark, Signal, TargetState, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from datetime import datetime

    from sluice.domain.release import Release, ReleaseName
    from sluice.domain.rollout import Deployed


COOL_DOWN = timedelta(minutes=60)
"""After an automatic rollback: a second alarm within it shows that the version is not the fault."""


@dataclass(frozen=True, slots=True)
class Start:
    """Take the lease, then start this rollout under it."""

    rollout: Rollout
    change: Change


@dataclass(frozen=True, slots=True)
class Halt:
    """Nothing good to fall back to: record it, and call a person."""

    reason: str
    change: Change


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to start, and why; `change` where even that is worth remembering."""

    reason: str
    change: Change | None = None


type Move = Start | Halt | Idle


def of_interest(state: TargetState) -> frozenset[ReleaseName]:
    """The releases whose approval `next_move` needs to know."""
    deployed = (*state.last_good, *((state.live,) if state.live else ()))
    wanted = {state.wanted.release} if state.wanted else set()
    return frozenset({one.release for one in deployed} | wanted)


def next_move(
    state: TargetState,
    *,
    releases: Mapping[ReleaseName, Release],
    gone: Set[ReleaseName] = frozenset(),
    now: datetime,
    cool_down: timedelta = COOL_DOWN,
) -> Move:
    """The rollout that `state` calls for, if any.

    `releases` holds the ledger's record of each release that the registry says is Approved now,
    `gone` those whose package was deleted: what serves goes on serving without one.
    """
    if state.holder:
        return Idle(f"{state.holder} holds the target")
    drains = draining(state, now=now)
    if drains:
        return Idle(drains)
    owed = _owed(state, releases.keys() | gone, now)
    if owed is not None:
        later = waiting(state, 0, now=now)
        if later:
            return Idle(later)
        good = candidates(state, releases.keys())
        cooling = _cooling(state, owed, cool_down)
        if good and not cooling:
            return _roll_back(state, owed, to=good[0], now=now)
        if state.wanted is None or state.wanted.release not in releases:
            reason = _way_out(state, owed, good, cooling)
            return _halt(state, owed, reason, now=now)
    return _missed(state, gone, now=now) or _take_up(state, releases, now=now)


def candidates(state: TargetState, approved: Set[ReleaseName]) -> tuple[Deployed, ...]:
    """Where a rollback may land, best first."""
    return tuple(
        good
        for good in state.last_good
        if good.release in approved
        and str(good.release) not in state.bad
        and str(good.release) not in state.suspect
        and (state.live is None or good.release != state.live.release)
    )


def _owed(state: TargetState, approved: Set[ReleaseName], now: datetime) -> Signal | None:
    if state.live is None:
        return None
    owed = state.rollback_owed
    if owed and owed.release != state.live.release:
        owed = None
    if state.phase is Phase.HALTED:
        # Halted for alarms, and nothing more by itself; a person who rejects what serves is heard.
        return owed if owed and owed.cause is Cause.REJECTION else None
    if owed:
        return owed
    if state.live.release not in approved:
        reason = "no longer approved while live"
        return Signal(cause=Cause.REJECTION, release=state.live.release, reason=reason, at=now)
    return None


def _missed(state: TargetState, gone: Set[ReleaseName], *, now: datetime) -> Idle | None:
    """Say once, of what was wanted or serves, that its package was deleted."""
    wanted, live = state.wanted, state.live
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


def _cooling(state: TargetState, owed: Signal, cool_down: timedelta) -> str:
    """Why no alarm may roll back again yet, or nothing: a second one proves another fault."""
    before = state.rolled_back_at
    if owed.cause is not Cause.ALARM or before is None or owed.at > before + cool_down:
        return ""
    minutes = max(0, int((owed.at - before).total_seconds() // 60))
    return (
        f"it came {minutes} minutes after an automatic rollback, within the cool-down of "
        f"{cool_down.total_seconds() / 60:.0f} minutes, so the fault is not the version"
    )


def _way_out(state: TargetState, owed: Signal, good: tuple[Deployed, ...], cooling: str) -> str:
    """Why a target halts, and what a person can do about it."""
    if not cooling:
        return f"{owed.reason}; no release served {state.target} well and is still approved"
    back = f", or reject it to go back to {good[0].release}" if good else ""
    return (
        f"{owed.reason}; {cooling}. Mend what surrounds it or approve a fixed version; set "
        f"{owed.release} to pending and approve it again to stand by it{back}"
    )


def _take_up(state: TargetState, releases: Mapping[ReleaseName, Release], *, now: datetime) -> Move:
    wanted = state.wanted
    if wanted is None:
        return _settle_owed(state, now=now) or Idle("no approval is waiting")
    if wanted.release not in releases:
        return Idle(f"{wanted.release} is no longer approved")
    later = waiting(state, wanted.seq, now=now)
    if later:
        return Idle(later)
    if state.live and state.live.release == wanted.release:
        reason = f"{wanted.release} is live already"
        # A person stands by what serves: nothing is owed any more, and nothing halts the target.
        update = {"wanted": None, "rollback_owed": None, "phase": Phase.IDLE}
        stood_by = disarm(state, (*state.live.alarms, *state.live.watch), at=now)
        consumed = (stood_by if _accused(state) else state).model_copy(update=update)
        event = Event(now, "ApprovalConsumed", reason, wanted.release)
        return Idle(reason, Change(consumed, (event,)))
    # Beside an endpoint that is lost nothing can be tried; the target begins again.
    kind = Kind.CANARY if state.live and not state.lost else Kind.ALL_AT_ONCE
    release = deployed(state, releases[wanted.release])
    return _start(state, kind, release, wanted=wanted, reason="approved", now=now)


def _roll_back(state: TargetState, owed: Signal, *, to: Deployed, now: datetime) -> Start:
    marked = dict(state.suspect)
    if owed.cause is Cause.ALARM:
        marked[str(owed.release)] = Mark(reason=owed.reason, at=owed.at)
    release = again(state, to)
    state = state.model_copy(update={"suspect": marked})
    start = _start(state, Kind.ROLL_BACK, release, wanted=None, reason=owed.reason, now=now)
    rollout = start.rollout.model_copy(update={"automatic": owed.cause is Cause.ALARM})
    held = start.change.state.model_copy(update={"rollout": rollout})
    return Start(rollout, Change(held, start.change.events))


def _start(
    state: TargetState,
    kind: Kind,
    release: Deployed,
    *,
    wanted: Wanted | None,
    reason: str,
    now: datetime,
) -> Start:
    epoch = state.epoch + 1
    rollout = Rollout(
        id=names.execution(state.target, generation=state.generation, epoch=epoch),
        target=state.target,
        epoch=epoch,
        kind=kind,
        release=release,
        stable=state.live if kind is Kind.CANARY else None,
        replaced=state.live if kind is Kind.ROLL_BACK or state.lost else None,
        approval_seq=wanted.seq if wanted else 0,
        started_at=now,
        claimed_at=now,
        reason=reason,
    )
    held = state.model_copy(
        update={
            "epoch": epoch,
            "holder": rollout.id,
            "rollout": rollout,
            "phase": Phase.STARTING,
            "signal": None,
            "token": "",
            "parked_at": None,
            "intent": "",
            "displaced": "",
            "drain_until": None,
            "noted": (),
        }
    )
    event = Event(now, "RolloutStarted", f"{kind}: {reason}", release.release)
    return Start(rollout, Change(held, (event,)))


def _accused(state: TargetState) -> bool:
    """Whether an alarm halted the target, or would have rolled it back."""
    return state.phase is Phase.HALTED or state.rollback_owed is not None


def _halt(state: TargetState, owed: Signal, reason: str, *, now: datetime) -> Halt:
    halted = state.model_copy(update={"phase": Phase.HALTED, "rollback_owed": None})
    return Halt(reason, Change(halted, (Event(now, "Halted", reason, owed.release),)))


def fall_back(state: TargetState, good: Deployed, reason: str, *, now: datetime) -> Start:
    """Put a good release on the target again, all at once."""
    release = again(state, good)
    return _start(state, Kind.ROLL_BACK, release, wanted=None, reason=reason, now=now)


def settle(state: TargetState, live: Deployed, reason: str, *, now: datetime) -> Start:
    """Put the endpoint on the configuration that holds what serves, and nothing else."""
    start = _start(state, Kind.SETTLE, live, wanted=None, reason=reason, now=now)
    rollout = start.rollout.to(
        Action.SETTLE,
        reason,
        settle_config=live.endpoint_config,
        promoted=True,
        outcome=Outcome.SETTLED,
    )
    held = start.change.state.model_copy(update={"rollout": rollout})
    return Start(rollout, Change(held, start.change.events))


def _settle_owed(state: TargetState, *, now: datetime) -> Start | None:
    """Drop what an earlier rollout could not; the next canary's update drops it as well."""
    owed, live = state.settle_owed, state.live
    if owed is None or live is None or state.phase is Phase.HALTED:
        return None
    if owed.attempts >= len(BACK_OFF) or now < owed.not_before:
        return None
    return settle(state, live, f"{', '.join(owed.variants)} left over", now=now)
